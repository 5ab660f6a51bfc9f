"""The fooling page: every attack, the walk along the line, other networks, and the classifier by hand."""

import time

import pytest

from viz_core.generate.fooling import Fooling

PAGE = "pages/generate/fooling.py"
QUICK = {"steps": "2", "size": "32", "model": "bundled-random"}
ATTACKS = ("gradient", "fgsm", "pgd", "deepfool", "pixel", "hog")


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_shown(lang, attack, open_page, finished):
    page = finished(open_page(PAGE, lang, attack=attack, **QUICK), "fooling")
    assert not page.error
    assert len(page.image) >= 3


def test_stronger_and_stronger_attacks_are_charted(open_page, finished):
    page = finished(open_page(PAGE, "ko", attack="strength", size="32", model="bundled-random"), "fooling")
    assert not page.error
    assert page.get("plotly_chart")


def test_the_walk_along_the_line_answers(open_page, finished):
    page = finished(open_page(PAGE, attack="fgsm", **QUICK), "fooling")
    slider = page.select_slider(key="fooling.line")
    slider.set_value(slider.options[0]).run()
    assert not page.exception
    assert page.dataframe


def test_the_classifier_by_hand_answers(open_page, finished):
    page = finished(open_page(PAGE, attack="fgsm", **QUICK), "fooling")
    page.slider(key="fooling.why.epsilon").set_value(1.0).run()
    assert any("Score -3.00 → 7.00" in block.value for block in page.markdown)


def test_a_class_that_is_seen_already_gets_its_sentence(open_page):
    quick = Fooling(model="bundled-random", size=32)
    seen = quick.network().target_index(None, quick.beginning())
    page = open_page(PAGE, target=str(seen), **QUICK)
    while page.session_state["fooling.job"].active:
        time.sleep(0.1)
    page.run()
    assert any("already" in error.value for error in page.error)
