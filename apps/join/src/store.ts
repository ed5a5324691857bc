/** The page's store: its reducer, with the figures that ranks report many times a second published in batches. */
import { createStore as createReducedStore, type Store } from '@rondo/ui/session'
import { initialState, type JoinAction, type JoinState, reduce } from './state.ts'

export type JoinStore = Store<JoinState, JoinAction>

export function createStore(pageId: string): JoinStore {
  return createReducedStore(
    initialState(pageId),
    reduce,
    (action) => action.type === 'run:event' && action.message.event.kind !== 'error',
  )
}
