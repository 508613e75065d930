from roadwork.bundle.card import model_card
from roadwork.bundle.description import Member
from roadwork.embed.backbone_config import BackboneConfig

MEMBERS = (Member(fold=2, inner_val_mcc=0.75), Member(fold=0, inner_val_mcc=0.5))
IDENTITY = {"weights_digest": "a1b2", "pool": "cls", "precision": "bf16"}


def backbone(name="vit_tiny_patch16_224", weights="pretrained"):
    return BackboneConfig(name=name, weights=weights, kwargs={}, pool="cls", precision="auto")


def card(facts, config=None, interval=(0.7, 0.9)):
    row = {"mcc": 0.8125, "mcc_ci95": interval and list(interval), "n": 40, "blocks": 12}
    return model_card(MEMBERS, config or backbone(), IDENTITY, {"oof": row}, facts)


def test_the_card_tells_scores_with_intervals_data_and_limits(facts):
    text = card(facts)
    assert "| oof | 0.812 | 0.700 to 0.900 | 40 | 12 |" in text
    assert "| train | 10 | 4 | 5 | 1 |" in text
    assert "| 2 | 0.750 |" in text
    assert "transductive" in text
    assert "Not to be used" in text
    assert "`a1b2`" in text
    assert "{{" not in text


def test_tables_are_not_broken_by_blank_lines(facts):
    lines = card(facts).splitlines()
    for header in (i for i, line in enumerate(lines) if line.startswith("|---")):
        assert lines[header - 1].startswith("| ")
        assert lines[header + 1].startswith("| ")


def test_untrained_features_are_said_loudly(facts):
    assert "features are untrained" in card(facts, backbone(weights="random"))
    assert "features are untrained" not in card(facts)


def test_dinov3s_licence_is_named_where_it_applies(facts):
    assert "DINOv3 License" in card(facts, backbone(name="vit_huge_plus_patch16_dinov3.lvd1689m"))
    assert "DINOv3" not in card(facts)


def test_a_path_on_the_makers_machine_stays_out(facts):
    text = card(facts, backbone(weights="/home/someone/weights.safetensors"))
    assert "someone" not in text
    assert "from a local file" in text


def test_one_block_has_no_interval(facts):
    assert "| oof | 0.812 | one block | 40 | 12 |" in card(facts, interval=None)
