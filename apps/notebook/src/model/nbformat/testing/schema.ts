/**
 * What nbformat 4.5 demands of a file, written down for ajv from the facts of the published format: which keys
 * must and may be there, and of which type. Only for tests; the reader itself is more patient.
 */
const text = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }
const count = { type: ['integer', 'null'], minimum: 0 }
const open = { type: 'object' }
const bundle = {
  type: 'object',
  patternProperties: { '^application/(.*\\+)?json$': {} },
  additionalProperties: text,
}
const cellMetadata = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    tags: { type: 'array', uniqueItems: true, items: { type: 'string', pattern: '^[^,]+$' } },
    format: { type: 'string' },
    collapsed: { type: 'boolean' },
    scrolled: { enum: [true, false, 'auto'] },
    jupyter: {
      type: 'object',
      properties: { source_hidden: { type: 'boolean' }, outputs_hidden: { type: 'boolean' } },
    },
    execution: { type: 'object', additionalProperties: { type: 'string' } },
  },
}

/** An object with exactly these keys, `optional` ones aside. */
function exactly(required: Record<string, unknown>, optional: Record<string, unknown> = {}): object {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  }
}

const outputs = [
  exactly({ output_type: { const: 'execute_result' }, data: bundle, metadata: open, execution_count: count }),
  exactly({ output_type: { const: 'display_data' }, data: bundle, metadata: open }),
  exactly({ output_type: { const: 'stream' }, name: { type: 'string' }, text }),
  exactly({
    output_type: { const: 'error' },
    ename: { type: 'string' },
    evalue: { type: 'string' },
    traceback: { type: 'array', items: { type: 'string' } },
  }),
]

const common = {
  id: { type: 'string', pattern: '^[a-zA-Z0-9-_]+$', minLength: 1, maxLength: 64 },
  metadata: cellMetadata,
  source: text,
}
const attachments = { attachments: { type: 'object', additionalProperties: bundle } }
const cells = [
  exactly({
    ...common,
    cell_type: { const: 'code' },
    outputs: { type: 'array', items: { oneOf: outputs } },
    execution_count: count,
  }),
  exactly({ ...common, cell_type: { const: 'markdown' } }, attachments),
  exactly({ ...common, cell_type: { const: 'raw' } }, attachments),
]

export const NBFORMAT_4_5 = exactly({
  nbformat: { const: 4 },
  nbformat_minor: { const: 5 },
  cells: { type: 'array', items: { oneOf: cells } },
  metadata: {
    type: 'object',
    properties: {
      kernelspec: {
        type: 'object',
        required: ['name', 'display_name'],
        properties: { name: { type: 'string' }, display_name: { type: 'string' } },
      },
      language_info: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string' },
          file_extension: { type: 'string' },
          mimetype: { type: 'string' },
          pygments_lexer: { type: 'string' },
          codemirror_mode: { type: ['string', 'object'] },
        },
      },
      title: { type: 'string' },
      authors: { type: 'array' },
    },
  },
})
