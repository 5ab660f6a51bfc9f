"""Every page opens in both languages and has all that belongs to it."""

import csv
import io
import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import download_box, language
from pages.ui.navigation import page_file, rooms
from viz_core.learn.you_vs_net import YouVsNet
from viz_core.texts import text

# What makes a room's run short; rooms without an entry are quick as they are.
SMALL = {"model": "bundled-random", "size": "32"}
STEPS = SMALL | {"steps": "2"}
SET = {"model": "bundled-random", "size": "32", "dataset": "folder"}
SHORT: dict[str, dict[str, str]] = {
    "patches": {"model": "bundled-random", "size": "32", "pictures": "9", "count": "2", "layer": "conv1"},
    "neighbours": SET | {"k": "3"},
    "map": SET | {"method": "pca"},
    "depth": SET | {"steps": "20", "perplexity": "3"},
    "audit": SET | {"k": "3"},
    "occlusion": SMALL,
    "saliency": SMALL | {"method": "smoothgrad", "samples": "2"},
    "cam": SMALL | {"method": "scorecam", "layer": "conv1"},
    "trust": SMALL | {"check": "agreement"},
    "class-image": STEPS,
    "deepdream": STEPS | {"octaves": "2"},
    "defence": {"steps": "10"},
    "fooling": STEPS,
    "inversion": STEPS,
    "texture": {"side": "32", "reach": "2"} | STEPS,
    "style": STEPS | {"sizes": "1", "size": "64"},
    "fast-style-train": {"steps": "1", "model": "bundled-random"},
    "you-vs-net": {"questions": "3", "model": "bundled-random"},
}
RESULTS = ("image", "plotly_chart", "bidi_component", "mermaid", "dataframe", "html")
SECTIONS_OF_EXPLAIN = ("plain", "read", "pitfalls", "paper")


def shown(page: AppTest, kind: str) -> list:
    return list(page.main.get(kind))


def assert_complete(page: AppTest, namespace: str, lang: str, files: set[str]) -> None:
    """Title, question, result, the files to download and the explanation."""
    assert text(f"{namespace}.title", lang) in page.title[0].value
    words = [block.value for block in page.main.markdown]
    question = "tagline" if namespace == "home" else "question"
    assert any(text(f"{namespace}.{question}", lang) in block for block in words)
    assert any(shown(page, kind) for kind in RESULTS) or namespace == "lesson"
    labels = {button.proto.label for button in shown(page, "download_button")}
    assert not {file for file in files if not any(label.startswith(file) for label in labels)}, labels
    assert any(box.label == text("ui.explain", lang) for box in page.main.expander)
    for part in SECTIONS_OF_EXPLAIN:
        assert any(text(f"{namespace}.explain.{part}", lang) in block for block in words), part


def round_played(page: AppTest, link: dict[str, str]) -> None:
    """Give the same answer to every question of the round."""
    round_ = YouVsNet(**link)
    page.session_state["you-vs-net.played"] = {round_.recipe().digest: dict.fromkeys(range(round_.questions), "cat")}
    page.run()


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("kind", rooms(), ids=lambda kind: kind.slug)
def test_a_room_has_all_that_belongs_to_it(kind, lang, folder, open_page, finished, monkeypatch):
    monkeypatch.setattr(language, "match_language", lambda locale: lang)  # names of options are asked for outside, too
    link = SHORT.get(kind.slug, SMALL if "size" in kind.model_fields else {})
    if link.get("dataset") == "folder":
        link = link | {"dataset": folder}
    page = open_page(str(page_file(kind).relative_to(page_file(kind).parents[2])), lang, **link)
    if kind.live and not kind.eager and f"{kind.slug}.job" not in page.session_state:
        page.button(key="start").click().run()
    page = finished(page, kind.slug)
    if kind.slug == "you-vs-net":  # what the network said is kept back until the round has been played
        assert not shown(page, "download_button")
        round_played(page, link)
    files = {"PNG: ", text("ui.npz", lang), text("ui.recipe", lang)}
    files |= {text("ui.gif", lang), text("ui.mp4", lang)} if kind.live else set()
    assert_complete(page, kind.slug.replace("-", "_"), lang, files)
    widgets = [*page.main.selectbox, *page.main.slider, *page.main.number_input, *page.main.segmented_control]
    assert any((widget.key or "").startswith(kind.slug) for widget in [*widgets, *page.main.text_input])


OTHERS = {
    "home": (None, ("PNG", "ui.npz", "ui.recipe")),
    "network": ("pages/network.py", ("network.csv", "ui.npz", "ui.recipe")),  # its charts save themselves as PNG
    "compare": ("pages/compare.py", ("compare.save", "ui.npz", "compare.recipes")),
    "lesson": ("pages/lesson.py", ("lesson.save",)),  # a lesson is a recipe
}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("namespace", OTHERS)
def test_the_other_pages_have_all_that_belongs_to_them(namespace, lang, open_page):
    page, files = OTHERS[namespace]
    opened = open_page(page, lang)
    assert_complete(opened, namespace, lang, {text(file, lang) if "." in file else file for file in files})


@pytest.mark.parametrize("namespace", ["home", "network", "compare"])
def test_the_files_of_the_other_pages_hold_what_they_say(namespace, open_page, monkeypatch):
    made: dict[str, bytes] = {}

    def keep(files):
        made.update({file.name: file.make() for file in files})

    monkeypatch.setattr(download_box, "download_box", keep)
    open_page(OTHERS[namespace][0])
    arrays = np.load(io.BytesIO(made[f"convscope-{namespace}.npz"]), allow_pickle=False)
    told = json.loads(made[f"convscope-{namespace}.json"])
    assert told["versions"]["torch"]
    if namespace == "home":
        assert arrays["input"].shape[:2] == (1, 3)
        assert arrays["probabilities"].sum() == pytest.approx(1, abs=1e-4)
        best = told["classes"][0]
        assert arrays["probabilities"][best["index"]] == pytest.approx(best["probability"], abs=1e-4)
        assert made["convscope-home.png"].startswith(b"\x89PNG")
    elif namespace == "network":
        table = list(csv.DictReader(io.StringIO(made["convscope-network.csv"].decode("utf-8-sig"))))
        assert [row["name"] for row in table] == [*arrays["names"]] == [row["name"] for row in told["layers"]]
        assert int(table[0]["parameters"] or 0) == arrays["parameters"][0]
    else:
        assert [recipe["parameters"]["model"] for recipe in told["recipes"]] == ["bundled", "bundled-robust"]
        np.testing.assert_allclose(arrays["2_less_1"], arrays["2_map"] - arrays["1_map"], atol=1e-6)


def test_the_link_chooses_network_picture_and_class(open_page):
    page = open_page(model="random:squeezenet1_1", image="sample:chelsea", target="7")
    assert page.selectbox(key="model").value == "random:squeezenet1_1"
    assert page.selectbox(key="image").value == "sample:chelsea"
    assert page.selectbox(key="target").value == 7


def test_nonsense_in_the_link_does_no_harm(open_page):
    page = open_page(model="nonesuch", image="sample:nobody", target="many", patch="-3")
    assert page.selectbox(key="target").value == -1
    assert [error.value for error in page.error]


def test_choices_survive_a_change_of_page(open_page):
    page = open_page("pages/look/filters.py")
    page.selectbox(key="image").select("sample:chelsea").run()
    page.switch_page("pages/network.py").run()
    assert page.selectbox(key="image").value == "sample:chelsea"


def test_a_bad_upload_gets_its_sentence_and_leaves_the_picture(open_page):
    page = open_page()
    before = page.selectbox(key="image").value
    page.file_uploader(key="pictures.file").upload("notes.txt", b"this is no picture").run()
    assert not page.exception
    assert page.error
    assert page.selectbox(key="image").value == before
