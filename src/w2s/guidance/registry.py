"""All guidance methods, found by looking through this package.

A new method is one new file here: a `Method` whose `method` field is a Literal of its name.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import reduce
from operator import or_
from typing import Annotated, Literal, get_args, get_origin

from pydantic import Field, TypeAdapter

import w2s.guidance
from w2s.guidance.base import Method
from w2s.strict import frozen

ABOVE = {"registry", "table", "windows"}  # modules that build on the registry


def _discover() -> dict[str, type[Method]]:
    found = {}
    for module_info in pkgutil.iter_modules(w2s.guidance.__path__):
        if module_info.name in ABOVE:
            continue
        module = importlib.import_module(f"w2s.guidance.{module_info.name}")
        for item in vars(module).values():
            is_method = isinstance(item, type) and issubclass(item, Method)
            if is_method and item.__module__ == module.__name__:
                name = item.model_fields["method"].annotation
                if get_origin(name) is Literal:
                    found[get_args(name)[0]] = item
    return dict(sorted(found.items()))


_ALL = _discover()

METHODS: dict[str, type[Method]] = {
    name: method for name, method in _ALL.items() if name != "blend"
}
"""Name to class of every method that can be configured; `Blend` is only made by windows."""

MethodConfig = Annotated[reduce(or_, METHODS.values()), Field(discriminator="method")]
"""The pydantic type of any method's parameters, told apart by `method`."""

_ANY = TypeAdapter(Annotated[reduce(or_, _ALL.values()), Field(discriminator="method")])


def method_from(fields: dict) -> Method:
    """The method with these fields, as `model_dump` or a parameter file gives them.

    Raises pydantic.ValidationError for an unknown method or bad fields.
    """
    return _ANY.validate_python(frozen(fields))
