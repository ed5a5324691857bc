/** The way in for the next device: a link to copy and a code to point a camera at. */
import { CopyField, QrCode } from '@rondo/ui'
import type { VNode } from 'preact'
import { inviteLink, isLocalOrigin } from '../params.ts'
import type { ViewProps } from './app.tsx'

export function InvitePanel({ params }: Pick<ViewProps, 'params'>): VNode {
  const link = inviteLink(params)
  const local = isLocalOrigin(params.invite)
  return (
    <section class="panel area-invite" aria-label="Invite a device">
      <div class="panel-head">
        <h2>Invite a device</h2>
      </div>
      <div class="invite">
        {!local && <QrCode text={link} label="QR code of the join link" />}
        <div class="invite-text">
          <CopyField text={link} label="Join link" />
          <p class="soft">
            {local
              ? 'This link works on this machine only. The terminal that started the session shows the link for other machines.'
              : link.startsWith('https:')
                ? 'Whoever has this link can join and compute here. Share it with people you trust.'
                : 'Whoever has this link can join. Over plain http other devices train on their processor: WebGPU needs https.'}
          </p>
        </div>
      </div>
    </section>
  )
}
