"""Every text of a page's data once: rows name it by its place.

Knows: that texts of reports are untrusted, and that most of them repeat. Does not know: what they
say, or how they are encoded.
"""

from __future__ import annotations

from mnv4bench.render.untrusted import visible


class Words:
    """``words("fp32")`` is the place of that text in ``texts``; place 0 is the empty text."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self._places: dict[str, int] = {"": 0}

    def __call__(self, text: str | None) -> int:
        """The place of ``text``, made safe to show; None is the empty text."""
        if not text:
            return 0
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self.texts)
            self.texts.append(visible(text))
        return place
