/* global document, fetch, crypto, URL, SwaggerUIBundle */
/** Shows `openapi.json` in Swagger UI. Everything is found relative to the page, so a stage's path prefix is no matter. */

const answer = await fetch('openapi.json');
if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
const spec = await answer.json();

// The document says "/", the root of its own origin; behind a REST API that root is the stage's.
spec.servers = [{ url: new URL('.', document.baseURI).href.replace(/\/$/, '') }];

// Each visit tries commands of its own: a key that was used before would only bring its old answer back.
spec.components.parameters.IdempotencyKey.example = freshKey();

// The state machines were drawn when the page was made; other readers of the document draw them from the Mermaid text.
for (const tag of spec.tags) {
  tag.description = tag.description.replace(
    /```mermaid\n[^`]*```/,
    `![States and transitions of ${tag.name}](docs/${tag.name}.svg)`,
  );
}

SwaggerUIBundle({
  spec,
  dom_id: '#viewer',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // The viewer would send the document to a validator elsewhere.
  validatorUrl: null,
});

/** `randomUUID` exists on secure origins only, and a stack in the local network is none. */
function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
