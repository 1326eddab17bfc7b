/** Shows what openapi.json describes, with nothing from anywhere else. */

const METHODS = ["get", "post", "put", "patch", "delete"];
const base = new URL("./", location.href).href;

/** Children are nodes or text; text is never markup. */
function el(tag, ...children) {
  const node = document.createElement(tag);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Text in which `marked` words are code. */
function prose(text) {
  return (text ?? "").split("`").map((part, index) => (index % 2 ? el("code", part) : part));
}

function resolved(schema, api) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema;
}

/** A schema in a few words: `integer, 1 to 500, default 50`. */
function kind(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const many = schema.anyOf ?? schema.oneOf;
  if (many) return many.map(kind).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if ("const" in schema) return String(schema.const);
  const words = [schema.type === "array" ? `list of ${kind(schema.items)}` : (schema.type ?? "anything")];
  if (schema.format ?? schema.contentMediaType) words.push(schema.format ?? "file");
  const [least, most] = [schema.minimum ?? schema.minLength, schema.maximum ?? schema.maxLength];
  if (least !== undefined || most !== undefined) words.push(`${least ?? ""} to ${most ?? ""}`);
  return words.join(", ");
}

function rowHead(name) {
  const cell = el("th", el("code", name));
  cell.scope = "row";
  return cell;
}

function row(name, what, schema, required, text) {
  const more = (schema?.default ?? null) === null ? "" : `, default ${schema.default}`;
  const words = `${what}${kind(schema)}${more}${required ? ", required" : ""}`;
  return el("tr", rowHead(name), el("td", words), el("td", ...prose(text)));
}

function table(title, rows) {
  return rows.length ? el("div", el("h3", title), el("table", el("tbody", ...rows))) : null;
}

function fields(schema, api) {
  const found = resolved(schema, api);
  return Object.entries(found?.properties ?? {}).map(([name, field]) =>
    row(name, "", field, found.required?.includes(name), field.description));
}

function body(operation) {
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  return { type, schema: content?.schema };
}

/** One answer: its status, what it means, and of what kind it is. */
function answer([status, response]) {
  const kinds = Object.entries(response.content ?? {}).map(([type, content]) =>
    content.schema?.$ref ? `${type}: ${kind(content.schema)}` : type);
  return el("tr", rowHead(status), el("td", kinds.join("; ")), el("td", ...prose(response.description)));
}

/** What a shell understands as this one word. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function curl(method, path, operation, api) {
  const words = ["curl"];
  const { type, schema } = body(operation);
  const sent = resolved(schema, api);
  for (const name of sent?.required ?? []) {
    const field = sent.properties[name];
    const isFile = field.format === "binary";
    words.push(type.startsWith("multipart") ? "-F" : "-d", isFile ? `${name}=@photo.jpg` : `${name}=${name.toUpperCase()}`);
  }
  if (method !== "get" && !words.includes("-F") && !words.includes("-d")) words.push("-X", method.toUpperCase());
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith("2"))?.[1];
  const types = Object.keys(success?.content ?? {});
  if (types.includes("text/event-stream")) words.push("-N");
  else if (!types.some((kindOf) => /json|text/.test(kindOf))) words.push("-o", "FILE");
  const required = (operation.parameters ?? []).filter((each) => each.in === "query" && each.required);
  const query = required.map((each) => `${each.name}=${each.name.toUpperCase()}`).join("&");
  const place = path.slice(1).replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase());
  words.push(base + place + (query && `?${query}`));
  return words.map(quoted).join(" ");
}

function section(method, path, operation, api) {
  const parameters = (operation.parameters ?? []).map((each) =>
    row(each.name, `${each.in}: `, each.schema, each.required, each.description));
  const { type, schema } = body(operation);
  const success = Object.values(operation.responses)[0].content?.["application/json"]?.schema;
  const node = el("section",
    el("h2", `${method.toUpperCase()} ${path}`),
    el("p", ...prose(operation.description ?? operation.summary)),
    el("pre", el("code", curl(method, path, operation, api))),
    table("Parameters", parameters),
    table(`Body: ${type}`, schema ? fields(schema, api) : []),
    table("Responses", Object.entries(operation.responses).map(answer)),
    table(`In ${kind(success)}`, success ? fields(success, api) : []),
  );
  node.id = `${method}-${path}`;
  return node;
}

function show(api) {
  document.title = api.info.title;
  document.getElementById("title").textContent = api.info.title;
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of Object.keys(item).filter((each) => METHODS.includes(each))) {
      const node = section(method, path, item[method], api);
      document.getElementById("operations").append(node);
      const link = el("a", `${method.toUpperCase()} ${path}`);
      link.href = `#${encodeURIComponent(node.id)}`;
      document.getElementById("list").append(el("li", link));
    }
  }
}

const state = document.getElementById("state");
try {
  const answered = await fetch(`${base}openapi.json`);
  if (!answered.ok) throw new Error(`the server answered ${answered.status}`);
  show(await answered.json());
  state.remove();
} catch (error) {
  state.textContent = `The API's description can't be shown: ${error.message}.`;
}
