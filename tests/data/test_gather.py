import gc
import weakref

from roadwork.config import parse_section, read_params
from roadwork.data.gather import gather
from roadwork.data.images import Images
from roadwork.data.left_out import LeftOut
from roadwork.data.probe_limits import ProbeLimits
from roadwork.data.probing import LocalProbing
from roadwork.data.record import Record, Source
from roadwork.data.vocabulary import VocabulariesConfig


def test_no_photograph_stays_in_memory(tmp_path, photograph, request):
    values = read_params(request.config.rootpath / "params.yaml")["metadata"]["vocabularies"]
    vocabularies = parse_section(values, "metadata.vocabularies", VocabulariesConfig, where="params.yaml")
    draft = tmp_path / "draft"
    draft.mkdir()
    seen = []

    def records():
        for number in range(6):
            record = Record(f"row {number}", f"{number}.jpg", None, photograph(number // 2), {"label": number // 2 % 2})
            seen.append(weakref.ref(record))
            yield record
            del record

    images = Images(draft, tmp_path / "images", tmp_path)
    limits = ProbeLimits(max_pixels=10**6, max_bytes=10**6, timeout_s=60)
    source, probing = Source(tmp_path, 6, records()), LocalProbing(limits, 1)
    gathered = gather(source, "x", vocabularies, probing=probing, images=images, left_out=LeftOut())
    gc.collect()
    assert len(gathered.rows) == len(gathered.duplicates) == 3
    assert [record() for record in seen] == [None] * 6
