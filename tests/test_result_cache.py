"""Finished results by recipe digest, within a bound in bytes."""

import threading

import numpy as np

from viz_core.recipe import Recipe
from viz_core.result_cache import ResultCache, results
from viz_core.technique import Result


def result(nbytes, name="test"):
    recipe = Recipe(technique=name, parameters={}, weights="", picture="")
    arrays = {"map": np.zeros(nbytes // 2, np.uint8)}
    pictures = {"map": np.zeros((nbytes - nbytes // 2, 1, 1), np.uint8)}
    return Result(recipe=recipe, arrays=arrays, pictures=pictures, scores={}, tables={})


def test_gives_back_the_very_result():
    cache, kept = ResultCache(), result(100)
    assert cache.get(kept.recipe.digest) is None
    cache.put(kept.recipe.digest, kept)
    assert cache.get(kept.recipe.digest) is kept
    assert (len(cache), cache.nbytes) == (1, 100)


def test_the_one_not_asked_for_longest_leaves_first():
    cache = ResultCache(max_bytes=250)
    for name in ("a", "b"):
        cache.put(name, result(100))
    cache.get("a")
    cache.put("c", result(100))
    assert [cache.get(name) is not None for name in "abc"] == [True, False, True]
    assert cache.nbytes == 200


def test_replacing_and_dropping_keep_the_count():
    cache = ResultCache(max_bytes=250)
    cache.put("a", result(200))
    cache.put("a", result(50))
    assert (len(cache), cache.nbytes) == (1, 50)
    cache.drop("a")
    cache.drop("a")
    assert (len(cache), cache.nbytes) == (0, 0)


def test_a_result_larger_than_the_bound_is_not_held_and_pushes_nothing_out():
    cache = ResultCache(max_bytes=250)
    cache.put("a", result(100))
    cache.put("b", result(300))
    assert cache.get("a") is not None
    assert cache.get("b") is None
    cache.put("a", result(300))
    assert (len(cache), cache.nbytes) == (0, 0)


def test_many_threads_stay_within_the_bound():
    cache, over = ResultCache(max_bytes=1000), []

    def person(seed):
        rng = np.random.default_rng(seed)
        for _ in range(300):
            name = str(rng.integers(20))
            cache.put(name, result(int(rng.integers(1, 300))))
            cache.get(str(rng.integers(20)))
            if rng.random() < 0.2:
                cache.drop(name)
            over.append(cache.nbytes)

    threads = [threading.Thread(target=person, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [cache.get(str(index)) for index in range(20)]
    assert cache.nbytes == sum(one.nbytes for one in held if one is not None) <= 1000


def test_pages_share_one_cache():
    assert results() is results()


def test_the_newest_of_a_technique_with_these_parameters_is_found():
    cache = ResultCache()
    for name, parameters in (("a", {"layer": "x", "size": 1}), ("b", {"layer": "x"}), ("a", {"layer": "x", "size": 2})):
        made = Result(Recipe(technique=name, parameters=parameters, weights="", picture=""), {}, {}, {}, {})
        cache.put(made.recipe.digest, made)
    assert cache.newest("a", layer="x").recipe.parameters["size"] == 2
    assert cache.newest("a", size=1).recipe.parameters["size"] == 1
    assert cache.newest("a", layer="y") is None
    assert cache.newest("c") is None
