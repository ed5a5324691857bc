/** Why WebGPU is missing at this address, and the two ways to have it. The device can still train on its processor. */
import type { VNode } from 'preact'
import type { ViewProps } from './app.tsx'

export function InsecureNotice({ params, state }: Pick<ViewProps, 'params' | 'state'>): VNode {
  const main = new URL(params.server)
  const port = main.port || '80'
  // Only a run that was announced for several nodes takes further agents in.
  const takesAgents = (state.snapshot?.agents.length ?? 0) > 0
  return (
    <section class="panel notice" aria-label="No WebGPU at this address" data-testid="insecure">
      <p>
        <strong>Browsers switch WebGPU off at this address.</strong> They offer it only over https or at localhost, and
        this page is <code class="breakable">{location.origin + location.pathname}</code>. You can take part all the
        same: this device then trains on its processor, which is slower. To use its graphics hardware:
      </p>
      <ol>
        {takesAgents ? (
          <li>
            run the same <code>rondo run</code> command on this machine with{' '}
            <code class="breakable">
              --main-address {main.hostname} --main-port {port}
            </code>
            , which opens the page at localhost, or
          </li>
        ) : (
          <li>
            forward the port with{' '}
            <code class="breakable">
              ssh -L {port}:localhost:{port} {main.hostname}
            </code>{' '}
            and open the same link with localhost in place of {main.hostname}, or
          </li>
        )}
        <li>have the session served over https and open its https link.</li>
      </ol>
    </section>
  )
}
