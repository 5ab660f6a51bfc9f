"""The occlusion page without a browser: the run itself is put where the page finds it."""

import pytest

from viz_core.explain.occlusion import Occlusion
from viz_core.result_cache import results
from viz_core.technique import finish

PAGE = "pages/explain/occlusion.py"
PARAMETERS = {"model": "random:squeezenet1_1", "image": "sample:moon", "patch": 96, "stride": 64}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(("show", "charts"), [("probability", 1), ("score", 1), ("takeover", 0)])
def test_every_look_at_a_finished_run(show, charts, lang, open_page):
    technique = Occlusion(**PARAMETERS)
    digest = technique.recipe().digest
    if results().get(digest) is None:
        results().put(digest, finish(technique.run()))
    page = open_page(PAGE, lang, model=PARAMETERS["model"], image=PARAMETERS["image"])
    for name, value in {**PARAMETERS, "show": show}.items():
        page.query_params[name] = str(value)
    page.run()
    assert not page.exception
    assert not page.error
    assert page.selectbox(key="occlusion.show").value == show
    assert len(page.get("plotly_chart")) == charts
