"""Which server a client of OpenAI's protocol talks to: its name of a model is that server's, not OpenAI's."""

from __future__ import annotations

import ast
import dataclasses

from mlgate.references._addresses import server
from mlgate.references._calls import Call
from mlgate.references._flow import keyword
from mlgate.references._scope import At
from mlgate.references._table import Loader

_CLIENTS = ("OpenAI", "AsyncOpenAI", "ChatOpenAI", "OpenAIEmbeddings")
_ADDRESSES = ("base_url", "openai_api_base", "api_base")
_MOST = 8
ELSEWHERE = "?"  # a scheme for a server that is not known
ANY = "*"  # one for whoever the name belongs to


def hosted_by(call: Call, loader: Loader) -> Loader:
    """The row with the provider behind the client's `base_url`, or ELSEWHERE when that is some other server.

    The client is the call itself, or those that the file makes; where these are of several servers, the model's name
    has to say whose it is.
    """
    sites = [(call.node, call.at)] if _address(call.node) is not None else _made(call)
    if not sites or len(sites) > _MOST:
        return loader
    providers = {_provider(call, node, at) for node, at in sites}
    return dataclasses.replace(loader, scheme=providers.pop() if len(providers) == 1 else ANY)


def _made(call: Call) -> list[tuple[ast.Call, At]]:
    return [site for name in _CLIENTS[:2] for site in call.ev.tree.sites.get(name, ())]


def _address(node: ast.Call) -> ast.expr | None:
    return next((value for name in _ADDRESSES if (value := keyword(node, name)) is not None), None)


def _provider(call: Call, node: ast.Call, at: At) -> str:
    address = _address(node)
    if address is None:
        return "openai"
    values = call.ev.values(address, at)
    known = {server(text) or ELSEWHERE for text, _ in values.texts()}
    if not known:  # from the environment or a setting: OpenAI's own unless it says otherwise
        return "openai"
    return known.pop() if len(known) == 1 else ELSEWHERE
