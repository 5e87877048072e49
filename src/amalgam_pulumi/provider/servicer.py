"""The engine's provider protocol, call by call.

Source: ``proto/pulumi/provider.proto`` of the Pulumi SDK.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from amalgam.errors import AmalgamError
from amalgam_pulumi.provider import tokens, yaml_objects
from amalgam_pulumi.provider.api import CONNECTIONS, Api, Kind, Object
from amalgam_pulumi.provider.body import inputs_of, is_secret, outputs_of
from amalgam_pulumi.provider.diff import Diff, diff
from amalgam_pulumi.provider.errors import ApiError, KindMissingError, NotReadyError
from amalgam_pulumi.provider.inputs import Naming, checked, is_autonamed
from amalgam_pulumi.provider.objects import Objects, place_of
from amalgam_pulumi.provider.paths import changes
from amalgam_pulumi.provider.preview import previewed
from amalgam_pulumi.provider.progress import EngineLog
from amalgam_pulumi.provider.refusals import explained, without_secrets
from amalgam_pulumi.provider.replies import InitFailed, check_failure, diff_response
from amalgam_pulumi.provider.settings import settings_of
from amalgam_pulumi.provider.urns import manager_of, parse
from amalgam_pulumi.provider.values import Secret, from_struct, has_unknown, plain, to_struct
from amalgam_pulumi.provider.waiting import Waiter
from amalgam_pulumi.provider.yaml_components import YamlComponents

T = TypeVar("T")


class Configured(NamedTuple):
    """What the provider's settings gave."""

    api: Api
    objects: Objects
    namespace: str


class KubernetesServicer(ProviderServicer):
    """Serves resources of any kind that the API server has; ``ProviderServicer`` brings the components' protocol."""

    def __init__(self, version: str, arguments: list[str], engine: str) -> None:
        """Start with nothing configured.

        Args:
            version: of the SDK whose plugin this stands in for.
            arguments: of the program.
            engine: the engine's address.
        """
        super().__init__(YamlComponents(version), arguments, engine)
        self._version = version
        self._log = EngineLog(engine)
        self._threads = ThreadPoolExecutor(CONNECTIONS)
        self._configured: Configured | None = None

    # The provider's own settings

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        """Refuse settings that would be something else here."""

        def work() -> Any:
            settings_of(from_struct(request.news))
            return provider_pb2.CheckResponse(inputs=request.news)

        return await self._answer(context, work)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        """Other settings are an update: whether another kubeconfig is another cluster, its author knows best."""
        changed = list(changes(plain(from_struct(request.olds)), plain(from_struct(request.news))))
        return diff_response(Diff(changed), delete_first=False)

    async def Configure(self, request: Any, context: Any) -> Any:
        """Read the kubeconfig."""

        def work() -> Any:
            settings = settings_of(from_struct(request.args))
            api = Api(settings.kubeconfig, settings.context)
            namespace = settings.namespace or api.namespace
            self._configured = Configured(api, Objects(api, Waiter(api), settings), namespace)
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
            )

        return await self._answer(context, work)

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The version that stands in for the official one's."""
        return plugin_pb2.PluginInfo(version=self._version)

    async def Cancel(self, request: Any, context: Any) -> Any:
        """End every wait; what was written stays, and the state says so."""
        self.end_waits()
        return empty_pb2.Empty()

    def end_waits(self) -> None:
        """Let every wait end now, as cancelled."""
        if self._configured:
            self._configured.objects.waiter.cancel()

    # Functions and components

    async def Invoke(self, request: Any, context: Any) -> Any:
        """Only yaml v1's decoding, which asks nothing of the server."""

        def work() -> Any:
            if request.tok != tokens.YAML_DECODE:
                raise tokens.refuse_function(request.tok)
            arguments = plain(from_struct(request.args))
            found = yaml_objects.objects_in(arguments["text"], arguments.get("defaultNamespace", ""))
            return provider_pb2.InvokeResponse(**{"return": to_struct({"result": found})})

        return await self._answer(context, work)

    async def Construct(self, request: Any, context: Any) -> Any:
        """Components of yaml v2; others are refused."""
        if request.type not in tokens.YAML_COMPONENTS:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(tokens.refuse_function(request.type)))
        return await super().Construct(request, context)

    # A resource's life

    async def Check(self, request: Any, context: Any) -> Any:
        """Inputs, typed, named and in a namespace."""
        news, olds = from_struct(request.news), from_struct(request.olds)

        def work() -> Any:
            found = self._ready
            parts = parse(request.urn)
            proposal = request.autonaming if request.HasField("autonaming") else None
            naming = Naming(
                parts.name,
                request.randomSeed,
                proposal.proposed_name if proposal else "",
                bool(proposal and proposal.mode == provider_pb2.CheckRequest.AutonamingOptions.Mode.DISABLE),
            )
            try:
                wanted = tokens.type_of(parts.token, plain(news))
                kind = self._kind(wanted)
                inputs = checked(news, olds, wanted, kind, found.namespace, naming)
            except AmalgamError as error:
                return provider_pb2.CheckResponse(inputs=request.news, failures=[check_failure(error, error.where)])
            if is_secret(inputs):
                inputs |= {key: Secret(plain(inputs[key])) for key in ("data", "stringData") if key in inputs}
            return provider_pb2.CheckResponse(inputs=to_struct(inputs))

        return await self._answer(context, work, news)

    async def Diff(self, request: Any, context: Any) -> Any:
        """What the new inputs mean for the object."""
        old, new, outputs = from_struct(request.old_inputs), from_struct(request.news), from_struct(request.olds)

        def work() -> Any:
            api = self._ready.api
            kind = self._kind(tokens.type_of(parse(request.urn).token, plain(new)))
            found = diff(api, kind, plain(old), plain(new), _manager(request.urn, outputs))
            return diff_response(found, delete_first=not is_autonamed(new))

        return await self._answer(context, work, old, new)

    async def Create(self, request: Any, context: Any) -> Any:
        """Make the object; in a preview, say what would be made."""
        inputs = from_struct(request.properties)
        manager = manager_of(request.urn)

        def work() -> Any:
            objects, say = self._ready.objects, self._log.sayer(request.urn)
            wanted = tokens.type_of(parse(request.urn).token, plain(inputs))
            if request.preview and (has_unknown(inputs) or self._kind(wanted) is None):
                return provider_pb2.CreateResponse(properties=to_struct(inputs))
            kind = self._ready.api.kind(*wanted)
            if request.preview and not self._namespace_is_there(kind, plain(inputs)):
                return provider_pb2.CreateResponse(properties=to_struct(inputs))
            live = objects.create(kind, inputs, manager, request.timeout, say, preview=request.preview)
            if live is None:
                return provider_pb2.CreateResponse(properties=to_struct(inputs))
            if request.preview:
                live = previewed(live, plain(inputs))
            properties = to_struct(outputs_of(live, inputs, manager))
            return provider_pb2.CreateResponse(id="" if request.preview else _id(live), properties=properties)

        return await self._answer(context, work, inputs, manager=manager)

    async def Update(self, request: Any, context: Any) -> Any:
        """Bring the object to its new inputs; in a preview, say what would change."""
        inputs, outputs = from_struct(request.news), from_struct(request.olds)
        old, manager = from_struct(request.old_inputs), _manager(request.urn, outputs)

        def work() -> Any:
            if request.preview and has_unknown(inputs):
                return provider_pb2.UpdateResponse(properties=to_struct(inputs))
            objects, say = self._ready.objects, self._log.sayer(request.urn)
            kind = self._ready.api.kind(*tokens.type_of(parse(request.urn).token, plain(inputs)))
            live = objects.update(kind, inputs, old, manager, request.timeout, say, preview=request.preview)
            return provider_pb2.UpdateResponse(properties=to_struct(outputs_of(live, inputs, manager)))

        return await self._answer(context, work, inputs, manager=manager)

    async def Read(self, request: Any, context: Any) -> Any:
        """The object as it is: for a refresh, an import, or a ``.get()``."""
        inputs, outputs = from_struct(request.inputs), from_struct(request.properties)

        def work() -> Any:
            found = self._ready
            wanted = tokens.type_of(parse(request.urn).token, plain(inputs))
            kind = self._kind(wanted)
            if kind is None:
                return provider_pb2.ReadResponse()
            manager, say = _manager(request.urn, outputs), self._log.sayer(request.urn)
            place = place_of(kind, request.id, found.namespace)
            read = found.objects.read(kind, place, inputs, manager, say)
            if read is None:
                return provider_pb2.ReadResponse()
            live, now = read
            now = now or inputs_of(live)
            return provider_pb2.ReadResponse(
                id=_id(live), properties=to_struct(outputs_of(live, now, manager)), inputs=to_struct(now)
            )

        return await self._answer(context, work, inputs)

    async def Delete(self, request: Any, context: Any) -> Any:
        """Delete the object and wait until it is gone."""
        state, inputs = from_struct(request.properties), from_struct(request.old_inputs)

        def work() -> Any:
            found = self._ready
            kind = self._kind(tokens.type_of(parse(request.urn).token, plain(inputs)))
            if kind:
                place = place_of(kind, request.id, found.namespace)
                found.objects.delete(kind, place, plain(state), request.timeout, self._log.sayer(request.urn))
            return empty_pb2.Empty()

        return await self._answer(context, work, state)

    # Behind the calls

    @property
    def _ready(self) -> Configured:
        if self._configured is None:
            raise AmalgamError("the engine has not configured the plugin", remedy="run `pulumi up` again")
        return self._configured

    def _kind(self, wanted: tokens.Type) -> Kind | None:
        try:
            return self._ready.api.kind(*wanted)
        except KindMissingError:
            return None

    def _namespace_is_there(self, kind: Kind, inputs: Object) -> bool:
        """Whether a dry run can be had: not where the same preview would make the namespace first."""
        if not kind.namespaced:
            return True
        api = self._ready.api
        return api.get(api.kind("v1", "Namespace"), "", inputs["metadata"]["namespace"]) is not None

    async def _answer(self, context: Any, work: Callable[[], T], *inputs: Object, manager: str = "") -> T:
        """Do blocking work in a thread; failures become the engine's errors, without secrets."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except NotReadyError as error:
            reasons = [without_secrets(reason, inputs) for reason in error.reasons]
            outputs = outputs_of(error.live, inputs[0], manager)
            resource_id = _id(error.live)
            await context.abort_with_status(InitFailed(resource_id, outputs, inputs[0], reasons))
        except AmalgamError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, without_secrets(str(error), inputs))
        except ApiError as error:
            text = str(explained(error, self._configured.api.server if self._configured else ""))
            await context.abort(grpc.StatusCode.UNKNOWN, without_secrets(text, inputs))
        raise AssertionError


def _manager(urn: str, outputs: Object) -> str:
    return str(plain(outputs).get("__fieldManager") or manager_of(urn))


def _id(live: Object) -> str:
    metadata = live["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])
