from roadwork.evidence import legend
from roadwork.evidence.colours import Scale


def test_a_logit_is_called_no_verdict(monkeypatch):
    """The classifier of a view sees no label: nothing may be read from its sign."""
    texts = []
    monkeypatch.setattr(legend, "write_line", lambda draw, start, line: texts.extend(run.text for run in line))
    legend.legend(1200, Scale(0.1), views=12, telling=3)
    said = texts[texts.index("logit") + 1]
    assert "only to be compared between views of one photograph" in said
    assert "roadwork" not in said
