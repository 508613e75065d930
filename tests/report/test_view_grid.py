import pytest

from roadwork.report.palette import BLUE, INK, PAPER, VERMILION, mixed
from roadwork.report.view_grid import view_grid
from roadwork.views.geometry import view_names


def views(quantity, grid=3):
    return {name: {quantity: place / 10} for place, name in enumerate(view_names(grid))}


def test_tiles_lie_as_in_the_photograph_and_whole_views_beside_them():
    grid = view_grid(views("gate"), "gate", 3)
    assert [[cell.name for cell in row] for row in grid.tiles] == [
        ["tile_1_1", "tile_1_2", "tile_1_3"],
        ["tile_2_1", "tile_2_2", "tile_2_3"],
        ["tile_3_1", "tile_3_2", "tile_3_3"],
    ]
    assert [(cell.name, cell.text) for cell in grid.whole] == [
        ("global", "0.000"),
        ("center", "1.000"),
        ("right", "1.100"),
    ]
    assert grid.tiles[1][1].text == "0.500"


def test_depth_follows_the_number_and_white_is_0():
    grid = view_grid(views("deletion"), "deletion", 3)
    assert grid.whole[0].fill == PAPER
    assert grid.whole[2].fill == mixed(BLUE, 0.65)
    assert grid.tiles[0][0].fill == mixed(BLUE, 0.65 * 0.1 / 1.1)
    assert {cell.ink for row in grid.tiles for cell in row} == {INK}


def test_a_sign_shows_in_text_and_colour():
    values = {name: {"toward": 0.0} for name in view_names(2)}
    values["tile_1_1"]["toward"], values["tile_1_2"]["toward"] = 0.02, -0.04
    (plus, minus), _ = view_grid(values, "toward", 2).tiles
    assert (plus.text, minus.text) == ("+0.020", "−0.040")
    assert (plus.fill, minus.fill) == (mixed(VERMILION, 0.325), mixed(BLUE, 0.65))


@pytest.mark.parametrize(("quantity", "text"), [("kept", "0 %"), ("gate", "0.000"), ("toward", "0.000")])
def test_nothing_but_zeros_is_white(quantity, text):
    zeros = {name: {quantity: 0.0} for name in view_names(1)}
    cells = [*view_grid(zeros, quantity, 1).tiles[0], *view_grid(zeros, quantity, 1).whole]
    assert [(cell.text, cell.fill) for cell in cells] == [(text, PAPER)] * 4
