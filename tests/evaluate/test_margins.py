import torch

from roadwork.evaluate.margins import head_margins
from roadwork.evaluate.modes import MODES, hides_metadata


class Recorder(torch.nn.Module):
    """Answers with the images' own numbers, and remembers whether the metadata was hidden."""

    def forward(self, embeddings, metadata):
        from roadwork.model.head import HeadOutput

        self.seen = metadata.weather.clone()
        images, views = embeddings.shape[:2]
        first = embeddings[:, 0, 0]
        kept = torch.arange(views).expand(images, views)
        blank = torch.zeros(images, views, 2)
        return HeadOutput(torch.stack([first, 3 * first], 1), blank, torch.zeros(images, 3), kept, blank[..., 0])


def test_a_margin_is_the_logit_of_roadwork_minus_that_of_none(table):
    head = Recorder()
    found = head_margins(head, torch.device("cpu"))(table, True)
    assert torch.equal(torch.from_numpy(found), 2 * table.embeddings[:, 0, 0].float().double())


def test_only_the_image_only_mode_hides_the_metadata(table):
    head = Recorder()
    assert [hides_metadata(mode) for mode in MODES] == [True, False]
    ask = head_margins(head, torch.device("cpu"))
    ask(table, hides_metadata("with_metadata"))
    assert torch.equal(head.seen, table.metadata.weather)
    ask(table, hides_metadata("image_only"))
    assert (head.seen == -1).all(), "a hidden category has no index of its own"
