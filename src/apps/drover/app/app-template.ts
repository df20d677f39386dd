/** The app that `drover app new` begins: small enough to read whole, and it runs as it is. */

export interface TemplateFile {
  readonly name: string;
  readonly text: string;
}

export function appTemplate(name: string): readonly TemplateFile[] {
  return [
    { name: 'manifest.yaml', text: manifest(name) },
    { name: 'main.ts', text: MAIN },
  ];
}

/** What a name of a folder comes to as the name of an app; undefined when nothing is left of it. */
export function folderToAppName(folder: string): string | undefined {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? undefined : name;
}

function manifest(name: string): string {
  return `# What Drover is to know about this app; docs/apps.md has the rest.
name: ${name}
version: 0.1.0
entrypoint: main.ts
# Who may call it: public, token or operator.
access: public
env:
  GREETING: Hello
`;
}

const MAIN = `// A request comes in, a response goes out: the same types as in a browser.
let answered = 0;

export default {
  fetch(request: Request): Response {
    answered += 1;
    const { pathname } = new URL(request.url);
    // What is printed is shown by: drover app logs
    console.log(request.method, pathname);
    return Response.json({ greeting: process.env.GREETING, path: pathname, answered });
  },
};
`;
