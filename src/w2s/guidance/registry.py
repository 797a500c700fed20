"""All guidance methods, found by looking through the folder `methods`.

A new method is one new file there: a `Method` whose `method` field is a Literal of its name.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import reduce
from operator import or_
from typing import Annotated, Literal, get_args, get_origin

from pydantic import Field, TypeAdapter

from w2s.guidance import methods
from w2s.guidance.affine import Affine
from w2s.guidance.base import Method, Signal
from w2s.strict import frozen


def _discover() -> dict[str, type[Method]]:
    found = {}
    for module_info in pkgutil.iter_modules(methods.__path__, f"{methods.__name__}."):
        module = importlib.import_module(module_info.name)
        for item in vars(module).values():
            is_method = isinstance(item, type) and issubclass(item, Method)
            if is_method and item.__module__ == module.__name__:
                name = item.model_fields["method"].annotation
                if get_origin(name) is Literal:
                    found[get_args(name)[0]] = item
    return dict(sorted(found.items()))


METHODS: dict[str, type[Method]] = _discover()
"""Name to class of every method that can be configured."""

_ANY = TypeAdapter(Annotated[reduce(or_, METHODS.values()), Field(discriminator="method")])


def method_from(fields: dict) -> Method:
    """The method with these fields, as `model_dump` or a parameter file gives them.

    Raises pydantic.ValidationError for an unknown method or bad fields.
    """
    return _ANY.validate_python(frozen(fields))


def method_against(weak: Signal) -> str:
    """Name of the affine method that extrapolates from a weak signal of this kind.

    Raises LookupError where there is none.
    """
    for name, method in METHODS.items():
        if issubclass(method, Affine):
            alone = method(weight=0.0, **method.example).signals()
            if [signal.kind for signal in alone] == [weak.kind]:
                return name
    raise LookupError(f"no method extrapolates from {weak}")
