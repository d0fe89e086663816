"""Who is let in to the desk's pages, and how they answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.errors import Refused, status_of
from app.http.access import Actor
from app.http.local import from_this_machine
from app.people.entrance import private_page, said
from app.rounds.vault import Vault
from app.visits import repository as visits
from app.web.language import Language, localized
from app.web.responses import PRIVATE

Line = Annotated[str, Form(max_length=500)]
Name = Annotated[str, Form(max_length=64)]


def _here(request: Request) -> None:
    """Until accounts exist for this machine alone, and absent for all others; then the route's need decides."""
    if not from_this_machine(request):
        raise visits.absent("–")


Here = Depends(_here)


def vault_of(request: Request) -> Vault:
    """The service's keys."""
    return Vault(request.app.state.settings.data_dir)


def shown(
    request: Request,
    language: Language,
    template: str,
    context: Mapping[str, object],
    refused: Refused | None = None,
) -> Response:
    """A page that nobody keeps; a refusal stands above it, with its status."""
    more = {"said": said(refused, language), "english": language == "en"}
    return private_page(
        request, language, template, {**context, **more}, status_of(refused) if refused else 200
    )


@dataclass(frozen=True)
class FormPage(ABC):
    """A page with forms, as somebody asks for it: shown by itself, or again with the refusal of a form."""

    template: ClassVar[str]
    request: Request
    language: Language
    now: datetime
    actor: Actor

    @abstractmethod
    def context(self) -> Mapping[str, object]:
        """What the page shows."""

    def page(self, refused: Refused | None = None) -> Response:
        """The page as it stands."""
        return shown(
            self.request, self.language, self.template, {**self.context(), "who": self.actor}, refused
        )

    def done(self, do: Callable[[], object], to: str) -> Response:
        """Carry out what a form asks for and go on; a refusal is said on the page."""
        try:
            do()
        except Refused as refused:
            return self.page(refused)
        return back(to, self.language)


def back(path: str, language: Language) -> Response:
    """On to a page after a change."""
    return RedirectResponse(localized(path, language), 303, {"Cache-Control": PRIVATE})
