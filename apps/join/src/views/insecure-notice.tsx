/** Why WebGPU is missing at this address, and the two ways to have it. The device can still train on its processor. */
import type { VNode } from 'preact'
import type { ViewProps } from './app.tsx'

export function InsecureNotice({ params }: Pick<ViewProps, 'params'>): VNode {
  const main = new URL(params.server)
  return (
    <section class="panel notice" aria-label="No WebGPU at this address" data-testid="insecure">
      <p>
        <strong>Browsers switch WebGPU off at this address.</strong> They offer it only over https or at localhost, and
        this page is <code class="breakable">{location.origin + location.pathname}</code>. You can take part all the
        same: this device then trains on its processor, which is slower. To use its graphics hardware:
      </p>
      <ol>
        <li>
          run{' '}
          <code class="breakable">
            rondo run --main-address {main.hostname} --main-port {main.port || '80'} …
          </code>{' '}
          on this machine, which opens the page at localhost, or
        </li>
        <li>have the session served over https and open its https link.</li>
      </ol>
    </section>
  )
}
