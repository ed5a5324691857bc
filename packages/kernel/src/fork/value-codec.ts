/** The seam for values of libraries: tensors, models, data sets. The kernel knows none of them; the application does. */

/** Takes apart and puts together values of one library. */
export interface ValueCodec {
  /** Stands in the bytes; both ends have a codec of that name. */
  readonly name: string
  /** Must not have an effect and must not throw. The first codec that says yes is used, before anything built in. */
  test(value: object): boolean
  /**
   * What the value consists of: anything that can be encoded, values of other codecs included. A promise is awaited;
   * bytes of arrays met before are kept as they were.
   *
   * @throws to refuse: the message becomes the hint, as in "dispose was called before: build the model again".
   */
  encode(value: object): unknown
  /** Makes the value again. Parts are complete when it is called. */
  decode(parts: unknown): unknown
}
