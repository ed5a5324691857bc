/** What a reader must know about the open notebook before going on: each a sentence and what to do. */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { downloadNotebook } from './files.ts'
import type { OpenNotebook } from './open-notebook.ts'

/** A cell that does not stop within this time after an interrupt computes without a pause, ms. */
const STUBBORN_MS = 3_000

export interface BannersProps {
  open: OpenNotebook
  /** Opens another notebook of the library. */
  onOpen: (id: string) => void
}

export function Banners({ open, onOpen }: BannersProps): VNode {
  return (
    <div class="banners" data-notebook>
      <ReadOnly open={open} onOpen={onOpen} />
      <Untrusted open={open} />
      <SaveFailed open={open} onOpen={onOpen} />
      <Kernel open={open} />
      <Language open={open} />
    </div>
  )
}

interface BannerProps {
  tone: 'warn' | 'fail' | 'info'
  title: string
  children?: ComponentChildren
  actions?: ComponentChildren
}

function Banner({ tone, title, children, actions }: BannerProps): VNode {
  return (
    <section class={`banner banner-${tone}`} aria-label={title} data-testid="banner">
      <div class="banner-text">
        <strong>{title}</strong>
        {children}
      </div>
      {actions !== undefined && <div class="banner-actions">{actions}</div>}
    </section>
  )
}

/** Problems of a file that are listed in full; more are counted. */
const MAX_LISTED = 5

function ReadOnly({ open, onOpen }: BannersProps): VNode | null {
  if (!open.readOnly) return null
  const more = open.problems.length - MAX_LISTED
  const copy = async () => onOpen((await open.saveCopy()).id)
  return (
    <Banner
      tone="warn"
      title="This notebook can only be read."
      actions={
        <button type="button" class="button button-small" onClick={copy}>
          Make a copy to edit
        </button>
      }
    >
      <ul>
        {open.problems.slice(0, MAX_LISTED).map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
        {more > 0 && <li>and {more} more.</li>}
      </ul>
      <p>The file itself stays as it is. A copy has what you see here.</p>
    </Banner>
  )
}

function Untrusted({ open }: { open: OpenNotebook }): VNode | null {
  if (open.readOnly || open.trusted.value) return null
  return (
    <Banner
      tone="info"
      title="This notebook comes from elsewhere. Nothing in it runs until you say so."
      actions={
        <button type="button" class="button button-small button-primary" onClick={() => void open.trust()}>
          Trust and allow running
        </button>
      }
    >
      <p>Its code would run on this device, and on the devices of your session when it launches. Read it first.</p>
    </Banner>
  )
}

function SaveFailed({ open, onOpen }: BannersProps): VNode | null {
  const state = open.saveState.value
  const error = state?.kind === 'failed' ? state.error : open.library.problem
  if (error === null || open.readOnly) return null
  const id = open.record.value?.id
  return (
    <Banner
      tone="fail"
      title={state?.kind === 'failed' ? 'Not saved.' : 'Nothing is kept when this page closes.'}
      actions={
        <>
          {error.code === 'CONFLICT' && id !== undefined && (
            <>
              <button type="button" class="button button-small" onClick={() => onOpen(id)}>
                Load that version
              </button>
              <button
                type="button"
                class="button button-small"
                onClick={async () => onOpen((await open.saveCopy()).id)}
              >
                Keep mine as a copy
              </button>
            </>
          )}
          {error.code !== 'CONFLICT' && state?.kind === 'failed' && (
            <button type="button" class="button button-small" onClick={() => void open.save(true)}>
              Try again
            </button>
          )}
          <button type="button" class="button button-small" onClick={() => downloadNotebook(open)}>
            Download .ipynb
          </button>
        </>
      }
    >
      <p>{error.message}</p>
    </Banner>
  )
}

function Kernel({ open }: { open: OpenNotebook }): VNode | null {
  const stubborn = useStubborn(open.runner.stoppingSince.value)
  if (open.port.state.value === 'dead') {
    return (
      <Banner
        tone="fail"
        title="The kernel has ended."
        actions={
          <button type="button" class="button button-small button-primary" onClick={() => void open.runner.restart()}>
            Restart
          </button>
        }
      >
        <p>Your notebook is all here; values of variables are gone. Restart to run cells again.</p>
      </Banner>
    )
  }
  if (!stubborn) return null
  return (
    <Banner
      tone="warn"
      title="The cell does not stop."
      actions={
        <button type="button" class="button button-small button-danger" onClick={() => open.runner.kill()}>
          End the kernel
        </button>
      }
    >
      <p>It computes without a pause, so it does not hear the interrupt. Ending the kernel loses its variables.</p>
    </Banner>
  )
}

function useStubborn(since: number | null): boolean {
  const [stubborn, setStubborn] = useState(false)
  useEffect(() => {
    setStubborn(false)
    if (since === null) return
    const timer = setTimeout(() => setStubborn(true), STUBBORN_MS)
    return () => clearTimeout(timer)
  }, [since])
  return stubborn && since !== null
}

const OWN_LANGUAGES = new Set(['typescript', 'javascript'])

/** A notebook of another language is shown whole, but its cells mean something else here. */
function Language({ open }: { open: OpenNotebook }): VNode | null {
  const language = languageOf(open.document.metadata.value)
  if (language === null || OWN_LANGUAGES.has(language.toLowerCase())) return null
  return (
    <Banner tone="info" title={`This notebook was written for ${language}.`}>
      <p>Its code cells run as TypeScript here. Nothing of it is changed unless you change it.</p>
    </Banner>
  )
}

function languageOf(metadata: Readonly<Record<string, unknown>>): string | null {
  const info = metadata['language_info'] as { name?: unknown } | undefined
  const spec = metadata['kernelspec'] as { language?: unknown } | undefined
  const name = info?.name ?? spec?.language
  return typeof name === 'string' ? name : null
}
