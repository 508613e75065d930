import roadwork.errors as errors
from roadwork.errors import RoadworkError


def test_one_message_with_what_where_rule_and_fix() -> None:
    error = RoadworkError("it broke", where="table.csv row 3", rule="0 or 1", fix="write 1")
    assert str(error) == "it broke\n  where: table.csv row 3\n  rule: 0 or 1\n  fix: write 1"
    assert str(RoadworkError("it broke", fix="mend it")) == "it broke\n  fix: mend it"


def test_every_error_is_drawn_in_the_hierarchy() -> None:
    drawn = errors.__doc__ or ""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RoadworkError)]
    assert len(kinds) >= 10
    assert [kind.__name__ for kind in kinds if kind.__name__ not in drawn] == []
