"""Errors that are meant for people: a sentence that says what was wrong and what to do."""

from viz_core.texts import text


class ConvscopeError(Exception):
    """A problem told in one sentence of the catalogues: a text key and the values for its places."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values

    def sentence(self, lang: str = "en") -> str:
        """The sentence in the given language."""
        return text(self.key, lang, **self.values)

    def __str__(self) -> str:
        return self.sentence()
