"""A card of A1111's pages of networks as HTML: the names of classes and attributes are those that scripts look for."""

from __future__ import annotations

import html

from modules.api.model_previews import preview_address
from modules.application.model_list import Listed
from modules.library.folders import Found
from modules.settings.model import Settings


def card_html(item: Listed, tabname: str, prompt: str, settings: Settings) -> str:
    """One card. `prompt` is what a click adds; everything that comes from files is escaped."""
    relative = Found(item.path, item.folder).relative
    data = {
        "tabname": tabname,
        "name": item.name,
        "prompt": prompt,
        "neg-prompt": str(item.user_metadata.get("negative text") or ""),
        "kind": item.kind,
        "hash": item.hashes.get("autov3") or item.hashes.get("autov2") or "",
        "sort-name": item.name.casefold(),
        "sort-path": relative.casefold(),
        "sort-date_modified": f"{item.modified or 0:.0f}",
        "family": item.family or "",
        "problem": item.problem or "",
    }
    attributes = " ".join(f'data-{key}="{html.escape(value)}"' for key, value in data.items() if value)
    about = item.user_metadata.get("description") or item.description or ""
    preview = preview_address(item)
    picture = f'<img src="{html.escape(preview)}" class="preview" loading="lazy" alt="">' if preview else ""
    problem = f'<span class="problem">{html.escape(item.problem)}</span>' if item.problem else ""
    words = html.escape(f"{item.name} {relative} {item.alias or ''} {item.hashes.get('autov2', '')}".strip())
    return (
        f'<div class="card{" broken" if item.problem else ""}" {attributes}>{picture}'
        f'<div class="actions"><div class="additional"><span class="search_terms hidden">{words}</span></div>'
        f'<span class="name">{html.escape(item.name)}</span>'
        f'<span class="description">{html.escape(str(about))}</span>{problem}</div></div>'
    )
