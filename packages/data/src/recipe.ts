/**
 * How an object of this room was made, so that it can be made again elsewhere: a data set by reference to its
 * source, a loader by its data set and options. Kept beside the object, as the objects keep their state private.
 * Not for: making it again (recreate.ts).
 */

/** What a recipe makes, and of what. Parts may hold other objects of this room, and functions. */
export type Recipe =
  | { kind: 'mnist'; parts: { split: 'train' | 'test'; baseUrl: string } }
  | { kind: 'memory'; parts: { columns: readonly unknown[] } }
  | { kind: 'map'; parts: { base: object; fn: unknown; batched: boolean } }
  | { kind: 'subset'; parts: { base: object; indices: Int32Array } }
  | {
      kind: 'loader'
      parts: {
        dataset: object
        batchSize: number
        dropLast: boolean
        prefetch: number
        sampler: object | null
        collate: unknown
        epoch: number
      }
    }
  | { kind: 'sequential'; parts: { length: number } }
  | { kind: 'random'; parts: { length: number; seed: number | null } }

/** Called when somebody asks, so that the recipe tells the object's present state. */
const recipes = new WeakMap<object, () => Recipe>()

/** Remembers how an object can be made again; the last call for an object counts. */
export function remember(made: object, recipe: () => Recipe): void {
  recipes.set(made, recipe)
}

/** null for objects that were not made here, or that hold something which exists only once. */
export function recipeOf(made: object): Recipe | null {
  return recipes.get(made)?.() ?? null
}
