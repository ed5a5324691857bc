/**
 * Where `/` leads: people on this machine who name no session come to the notebook, everybody else takes part.
 * Not for: what those pages then allow, which only tokens decide.
 */

/**
 * @param host the request's Host header
 * @param query of the request, with its question mark, or empty
 * @param hasNotebook false where no notebook is offered: `rondo run`, and agents of other nodes
 */
export function landingPage(host: string | undefined, query: string, hasNotebook: boolean): string {
  const namesSession = new URLSearchParams(query).has('session')
  return hasNotebook && !namesSession && isLocal(host) ? `/notebook/${query}` : `/join/${query}`
}

function isLocal(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
}
