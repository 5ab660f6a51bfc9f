"""Some pictures of a set as a set of their own, in memory or saved under a reference."""

import json
import os
from collections.abc import Callable, Sequence

from viz_core.cache_folder import cache_folder
from viz_core.errors import ConvscopeError
from viz_core.images.picture_set import PictureSet, digest_of

SUBSET = "subset:"


def picked(pictures: PictureSet, indices: Sequence[int]) -> PictureSet:
    """The given members as a set; they keep their digests, so that what is known of them stays known."""
    members = tuple(pictures.member_digest(index) for index in indices)
    titles = tuple(pictures.titles[index] for index in indices)
    return PictureSet(
        name=pictures.name,
        digest=digest_of((*members, *titles)),
        titles=titles,
        label_of=None if pictures.label_of is None else tuple(pictures.label_of[index] for index in indices),
        load=lambda index, enough: pictures.load(indices[index], enough),
        members=members,
    )


def keep_subset(ref: str, pictures: PictureSet, indices: Sequence[int]) -> str:
    """Save which members of the set behind a reference are meant, by their titles, and return `subset:<digest>`.

    Raises ConvscopeError where nothing can be saved.
    """
    titles = [pictures.titles[index] for index in indices]
    digest = digest_of([ref, *titles])
    folder = cache_folder() / "subsets"
    part = folder / f"{digest}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"set": ref, "titles": titles}), encoding="utf-8")
        part.replace(folder / f"{digest}.json")
    except OSError as error:
        raise ConvscopeError("dataset_errors.subset_not_kept", folder=folder) from error
    return SUBSET + digest


def subset_set(digest: str, open_whole: Callable[[str], PictureSet]) -> PictureSet:
    """The saved subset of this digest, of those of its pictures that are still there; ConvscopeError if there are none."""
    try:
        if not digest.isalnum():
            raise ValueError(digest)
        kept = json.loads((cache_folder() / "subsets" / f"{digest}.json").read_text(encoding="utf-8"))
        ref, titles = kept["set"], kept["titles"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConvscopeError("dataset_errors.subset_forgotten") from error
    pictures = open_whole(ref)
    place = {title: index for index, title in enumerate(pictures.titles)}
    indices = [place[title] for title in titles if title in place]
    if not indices:
        raise ConvscopeError("dataset_errors.subset_forgotten")
    return picked(pictures, indices)
