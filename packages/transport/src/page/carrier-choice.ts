/**
 * Which carriers a pair of ranks tries, cheapest first. Both pages compute it from the same seats, so they
 * agree without talking. Not for: making them.
 */
import type { Carrier, ProcessGroupBackend, Seat } from '@rondo/protocol'

type Place = Pick<Seat, 'pageId' | 'browserId'>

/** An empty list means that the backend cannot join these two. */
export function carriersFor(backend: ProcessGroupBackend, a: Place, b: Place): Carrier[] {
  const samePage = a.pageId !== null && a.pageId === b.pageId
  const together = sameBrowser(a, b)
  switch (backend) {
    case 'webrtc':
      return ['webrtc']
    case 'relay':
      return ['relay']
    case 'port':
      return samePage ? ['shared', 'local'] : together ? ['port'] : []
    case 'auto':
      return samePage ? ['shared', 'local'] : together ? ['port', 'webrtc', 'relay'] : ['webrtc', 'relay']
    default:
      return backend satisfies never
  }
}

/** Tabs of one browser and origin; they can exchange ports and watch each other's locks. */
export function sameBrowser(a: Place, b: Place): boolean {
  return (a.pageId !== null && a.pageId === b.pageId) || (a.browserId !== null && a.browserId === b.browserId)
}
