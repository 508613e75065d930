import torch

from roadwork.evaluate.margins import head_margins
from roadwork.evaluate.modes import MODES, hides_metadata
from roadwork.model.head import Seen


class Recorder(torch.nn.Module):
    """Answers with the images' own numbers, and remembers which metadata it was given."""

    def __init__(self):
        super().__init__()
        self.given = []

    def look(self, embeddings):
        images, views = embeddings.shape[:2]
        kept = torch.arange(views).expand(images, views)
        blank = torch.zeros(images, views, 2)
        return Seen(embeddings[:, 0], blank, torch.zeros(images, 3), kept, blank[..., 0])

    def decide(self, vision, metadata):
        self.given.append(metadata.weather.clone())
        return torch.stack([vision[:, 0], 3 * vision[:, 0]], 1)


def test_a_margin_is_the_logit_of_roadwork_minus_that_of_none(table):
    found = head_margins(Recorder(), torch.device("cpu"))(table)
    assert list(found) == list(MODES)
    for margins in found.values():
        assert torch.equal(torch.from_numpy(margins), 2 * table.embeddings.tensor[:, 0, 0].float().double())


def test_only_the_image_only_mode_hides_the_metadata(table):
    head = Recorder()
    assert [hides_metadata(mode) for mode in MODES] == [True, False]
    few = table.rows(range(20))
    head_margins(head, torch.device("cpu"))(few)
    hidden, given = head.given
    assert (hidden == -1).all(), "a hidden category has no index of its own"
    assert torch.equal(given, few.metadata.weather)
