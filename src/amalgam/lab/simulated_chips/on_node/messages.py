"""The messages of the kubelet's device plugin API, v1beta1, as far as a plugin without mounts and topology needs them.

Source: ``k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1/api.proto``, whose numbers and names these are.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "v1beta1"

# Message -> field -> (number, type); [type] is a list, {type} a mapping from string to it.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Empty": {},
    "DevicePluginOptions": {
        "pre_start_required": (1, "bool"),
        "get_preferred_allocation_available": (2, "bool"),
    },
    "RegisterRequest": {
        "version": (1, "string"),
        "endpoint": (2, "string"),
        "resource_name": (3, "string"),
        "options": (4, "DevicePluginOptions"),
    },
    "Device": {"ID": (1, "string"), "health": (2, "string")},
    "ListAndWatchResponse": {"devices": (1, "[Device]")},
    "ContainerPreferredAllocationRequest": {
        "available_deviceIDs": (1, "[string]"),
        "must_include_deviceIDs": (2, "[string]"),
        "allocation_size": (3, "int32"),
    },
    "PreferredAllocationRequest": {"container_requests": (1, "[ContainerPreferredAllocationRequest]")},
    "ContainerPreferredAllocationResponse": {"deviceIDs": (1, "[string]")},
    "PreferredAllocationResponse": {"container_responses": (1, "[ContainerPreferredAllocationResponse]")},
    "ContainerAllocateRequest": {"devices_ids": (1, "[string]")},
    "AllocateRequest": {"container_requests": (1, "[ContainerAllocateRequest]")},
    "ContainerAllocateResponse": {"envs": (1, "{string}")},
    "AllocateResponse": {"container_responses": (1, "[ContainerAllocateResponse]")},
}
_SCALARS = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "string": FieldDescriptorProto.TYPE_STRING,
}


def _classes() -> dict[str, Any]:
    file = FileDescriptorProto(name="deviceplugin.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add_field(message, field, number, kind)
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _MESSAGES}


def _add_field(message: DescriptorProto, name: str, number: int, kind: str) -> None:
    field = message.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if kind.startswith(("[", "{")):
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if kind.startswith("{"):
        # A mapping is a list of entries (https://protobuf.dev/programming-guides/proto3/#maps).
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add_field(entry, "key", 1, "string")
        _add_field(entry, "value", 2, kind.strip("{}"))
        kind = f"{message.name}.{entry.name}"
    word = kind.strip("[]")
    if word in _SCALARS:
        field.type = _SCALARS[word]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{word}"


_CLASSES = _classes()


def message(name: str) -> Any:  # noqa: ANN401 - protobuf makes the class
    """The class of the message of that name."""
    return _CLASSES[name]
