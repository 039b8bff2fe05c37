"""Work out once what is the same on every rendering: translations, the brand, paths and icons.

A page's language and brand are fixed when its templates are compiled. So the compiler may write
them into the templates as text, and a rendering is left with the view's own values: that takes
less than half of the time.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TypeVar

from jinja2 import BaseLoader, Environment, FileSystemLoader, Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

_Node = TypeVar("_Node", bound=nodes.Node)

_PLACE: Final = re.compile(r"%(?:\((\w+)\)s|%)")


class FoldingLoader(BaseLoader):
    """Loads templates from a folder, with `constants` and translated texts written into them."""

    def __init__(
        self, folder: str, constants: Mapping[str, object], gettext: Callable[[str], str]
    ) -> None:
        self._files = FileSystemLoader(folder)
        self._folder = _Folder(constants, gettext)

    def load(
        self,
        environment: Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 (Jinja's name)
    ) -> Template:
        """The compiled template `name`. Raises TemplateNotFound."""
        source, filename, uptodate = self._files.get_source(environment, name)
        tree = self._folder.visit(environment.parse(source, name, filename))
        code = environment.compile(tree, name, filename)
        return environment.template_class.from_code(environment, code, globals or {}, uptodate)


class _Folder(NodeTransformer):
    """Replaces names of `constants` and calls of gettext in a parsed template.

    The method names are those that the visitor looks for.
    """

    def __init__(self, constants: Mapping[str, object], gettext: Callable[[str], str]) -> None:
        self._constants = constants
        self._gettext = gettext

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:  # noqa: N802
        if node.ctx != "load" or node.name not in self._constants:
            return node
        return _constant(self._constants[node.name])

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802
        """`brand.name`, `icon.check`: an attribute or a key of a constant."""
        owner = node.node
        if not isinstance(owner, nodes.Name) or owner.name not in self._constants:
            return self._inside(node)
        value = self._constants[owner.name]
        if isinstance(value, Mapping):
            return _constant(value[node.attr])
        return _constant(getattr(value, node.attr))

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802
        """`_("text")` and the call that `{% trans %}` stands for: the translation, in pieces."""
        called = node.node
        if not isinstance(called, nodes.Name) or called.name not in ("_", "gettext"):
            return self._inside(node)
        message = node.args[0].as_const()
        values = {pair.key: self.visit(pair.value) for pair in node.kwargs}
        pieces: list[nodes.Expr] = []
        text, start = self._gettext(message), 0
        for place in _PLACE.finditer(text):
            pieces.append(_constant(Markup(text[start : place.start()])))  # noqa: S704 (ours)
            pieces.append(values[place[1]] if place[1] else _constant("%"))
            start = place.end()
        pieces.append(_constant(Markup(text[start:])))  # noqa: S704
        return nodes.Concat(pieces) if len(pieces) > 1 else pieces[0]

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802
        """A joined text that is only written out need not be joined first."""
        flat: list[nodes.Expr] = []
        for part in self._inside(node).nodes:
            flat.extend(part.nodes if isinstance(part, nodes.Concat) else [part])
        node.nodes = flat
        return node

    def _inside(self, node: _Node) -> _Node:
        self.generic_visit(node)
        return node


def _constant(value: object) -> nodes.Expr:
    return nodes.TemplateData(value) if isinstance(value, Markup) else nodes.Const(value)
