/**
 * From service implementations to HTTP handlers: one for each method, which tells by the content
 * type whether it is spoken to in Connect, gRPC or gRPC-Web. Reflection and health come with it.
 *
 *   request ─▶ gate (who is there) ─▶ parse ─▶ errors ─▶ interceptors ─▶ implementation
 */
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { createServiceImplSpec } from '@connectrpc/connect';
import type {
  Interceptor,
  MethodImplSpec,
  ServiceImpl,
  ServiceImplSpec,
} from '@connectrpc/connect';
import { createUniversalMethodHandler } from '@connectrpc/connect/protocol';
import type { ProtocolHandlerFactory, UniversalHandler } from '@connectrpc/connect/protocol';
import { createHandlerFactory as createConnectFactory } from '@connectrpc/connect/protocol-connect';
import { createHandlerFactory as createGrpcFactory } from '@connectrpc/connect/protocol-grpc';
import { createHandlerFactory as createWebFactory } from '@connectrpc/connect/protocol-grpc-web';
import type { DescService } from '@bufbuild/protobuf';
import { Health } from '#gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '#gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as V1Alpha } from '#gen/grpc/reflection/v1alpha/reflection_pb.js';
import { MIB } from '#kernel/units.ts';
import { ERROR_DOMAIN } from '#surfaces/edge/http-errors.ts';
import { createConnectStreamHandler } from './connect-stream.ts';
import { createConnectUnaryHandler } from './connect-unary.ts';
import { createErrorInterceptor, createTranslatedGate, type RpcGate } from './error-interceptor.ts';
import { SchemaIndex } from './reflection.ts';
import { createHealthService, type ServiceHealth } from './rpc-health.ts';

export interface RpcRouter {
  /** Methods left out of the implementation answer `unimplemented`. */
  service<Desc extends DescService>(
    service: Desc,
    implementation: Partial<ServiceImpl<Desc>>,
  ): void;
}

export interface RpcHandlersOptions {
  readonly routes: (router: RpcRouter) => void;
  /** Asked before every call but those of health and reflection. */
  readonly gate?: RpcGate;
  /** Around every call, inside the translation of errors: they see what was really thrown. */
  readonly interceptors?: readonly Interceptor[];
  readonly health?: ServiceHealth;
  /** Ends streams with its reason. */
  readonly draining?: AbortSignal;
  /** Largest message after decompression. Default 4 MiB. */
  readonly maxRequestBytes?: number;
  /** The domain of the reasons in error details; see http-errors.ts. */
  readonly errorDomain?: string;
}

const COMPRESSIONS = [compressionGzip, compressionBrotli];

export function createRpcHandlers(options: RpcHandlersOptions): UniversalHandler[] {
  const guarded = collectServices(options.routes);
  const open = collectServices(createOpenRoutes(guarded, options.health));
  const protocols = createProtocols(options, options.gate);
  const openProtocols = createProtocols(options, undefined);
  return [
    ...guarded.flatMap((spec) => createServiceHandlers(spec, protocols)),
    ...open.flatMap((spec) => createServiceHandlers(spec, openProtocols)),
  ];
}

type RpcRoutes = RpcHandlersOptions['routes'];

function collectServices(routes: RpcRoutes): ServiceImplSpec[] {
  const specs: ServiceImplSpec[] = [];
  routes({
    service: (service, implementation) => {
      specs.push(createServiceImplSpec(service, implementation));
    },
  });
  return specs;
}

/** What anyone may ask: the schema is public, and so is whether the server is well. */
function createOpenRoutes(
  specs: readonly ServiceImplSpec[],
  health: ServiceHealth | undefined,
): RpcRoutes {
  const index = new SchemaIndex([
    ...specs.map(({ service }) => service),
    ...(health === undefined ? [] : [Health]),
    ServerReflection,
    V1Alpha,
  ]);
  const reflection: ServiceImpl<typeof ServerReflection> = {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: index.answer(request.messageRequest),
        };
      }
    },
  };
  return (router) => {
    router.service(ServerReflection, reflection);
    router.service(V1Alpha, reflection);
    if (health !== undefined) router.service(Health, createHealthService(health));
  };
}

function createServiceHandlers(
  spec: ServiceImplSpec,
  protocols: ProtocolHandlerFactory[],
): UniversalHandler[] {
  return Object.values(spec.methods).map((method) =>
    createUniversalMethodHandler(method, protocols),
  );
}

function createProtocols(
  options: RpcHandlersOptions,
  plainGate: RpcGate | undefined,
): ProtocolHandlerFactory[] {
  const { maxRequestBytes = 4 * MIB, errorDomain = ERROR_DOMAIN, draining } = options;
  const interceptors = [
    createErrorInterceptor({ errorDomain, ...(draining !== undefined && { draining }) }),
    ...(options.interceptors ?? []),
  ];
  const gate = plainGate && createTranslatedGate(plainGate, errorDomain);
  const stock = {
    interceptors,
    readMaxBytes: maxRequestBytes,
    acceptCompression: COMPRESSIONS,
    jsonOptions: { useProtoFieldName: true, alwaysEmitImplicit: true },
    ...(gate !== undefined && { requestGate: gate }),
  };
  const connect = createConnectFactory(stock);
  const ours = { interceptors, gate, maxRequestBytes, compressions: COMPRESSIONS, errorDomain };
  const documentedConnect = (spec: MethodImplSpec): UniversalHandler => {
    const handler = connect(spec);
    const documented =
      spec.kind === 'unary'
        ? createConnectUnaryHandler(spec, ours)
        : createConnectStreamHandler(handler, ours);
    return Object.assign(documented, {
      protocolNames: handler.protocolNames,
      supportedContentType: handler.supportedContentType,
      allowedMethods: ['POST'],
      requestPath: handler.requestPath,
      service: handler.service,
      method: handler.method,
    });
  };
  return [
    createGrpcFactory(stock),
    createWebFactory(stock),
    Object.assign(documentedConnect, { protocolName: connect.protocolName }),
  ];
}
