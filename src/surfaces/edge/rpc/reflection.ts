/** gRPC server reflection: the schema, for clients that come without it. */
import { createRegistry, toBinary } from '@bufbuild/protobuf';
import type { DescFile, MessageInitShape, Registry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type {
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '#gen/grpc/reflection/v1/reflection_pb.js';

type Answer = NonNullable<
  MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']
>;

export class SchemaIndex {
  readonly #services: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #types: Registry;
  readonly #encoded = new Map<string, Uint8Array>();

  /** Knows the services, the files that declare them, and all that those import. */
  constructor(services: readonly { readonly typeName: string; readonly file: DescFile }[]) {
    this.#services = services.map(({ typeName }) => typeName).toSorted();
    for (const { file } of services) this.#add(file);
    this.#types = createRegistry(...this.#files.values());
  }

  #add(file: DescFile): void {
    const name = file.proto.name;
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const dependency of file.dependencies) this.#add(dependency);
  }

  answer(question: ServerReflectionRequest['messageRequest']): Answer {
    switch (question.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: this.#services.map((name) => ({ name })) },
        };
      case 'fileByFilename':
        return this.#fileAnswer(this.#files.get(question.value), `file ${question.value}`);
      case 'fileContainingSymbol':
        return this.#fileAnswer(this.#fileOf(question.value), `symbol ${question.value}`);
      case 'allExtensionNumbersOfType':
        return this.#types.getMessage(question.value) === undefined
          ? notFound(`message ${question.value}`)
          : // The schema declares no extensions.
            { case: 'allExtensionNumbersResponse', value: { baseTypeName: question.value } };
      case 'fileContainingExtension':
        return notFound('extension');
      case undefined:
        return errorAnswer(Code.InvalidArgument, 'the request asks nothing');
    }
  }

  #fileOf(symbol: string): DescFile | undefined {
    const found = this.#types.get(symbol);
    if (found !== undefined) return found.file;
    // Not a type: then a member of one, such as a method.
    const dot = symbol.lastIndexOf('.');
    const owner = dot === -1 ? undefined : this.#types.get(symbol.slice(0, dot));
    const name = symbol.slice(dot + 1);
    switch (owner?.kind) {
      case 'service':
        return owner.methods.some((method) => method.name === name) ? owner.file : undefined;
      case 'message':
        return owner.fields.some((field) => field.name === name) ? owner.file : undefined;
      default:
        return undefined;
    }
  }

  #fileAnswer(file: DescFile | undefined, what: string): Answer {
    if (file === undefined) return notFound(what);
    const fileDescriptorProto = withDependencies(file).map((each) => this.#encode(each));
    return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
  }

  #encode(file: DescFile): Uint8Array {
    const known = this.#encoded.get(file.proto.name);
    if (known !== undefined) return known;
    const encoded = toBinary(FileDescriptorProtoSchema, file.proto);
    this.#encoded.set(file.proto.name, encoded);
    return encoded;
  }
}

/** The file asked for leads; what it imports, directly or not, follows. */
function withDependencies(file: DescFile): DescFile[] {
  const found = new Set([file]);
  for (const each of found) for (const dependency of each.dependencies) found.add(dependency);
  return [...found];
}

function notFound(what: string): Answer {
  return errorAnswer(Code.NotFound, `${what.slice(0, 256)} is not part of this server's schema`);
}

function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
