"""Who is let in to the desk's pages, and how they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.errors import Refused, status_of
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


def back(path: str, language: Language) -> Response:
    """On to a page after a change."""
    return RedirectResponse(localized(path, language), 303, {"Cache-Control": PRIVATE})
