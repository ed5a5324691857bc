/** Keeps one output that cannot be drawn from taking the page with it: its text is shown instead. */
import { Component, type ComponentChildren } from 'preact'

interface BoundaryProps {
  /** What is shown instead. */
  plain: string
  /** A new value is a new try. */
  of: unknown
  children: ComponentChildren
}

export class OutputBoundary extends Component<BoundaryProps, { failure: unknown; of: unknown }> {
  override state = { failure: null, of: null }

  override componentDidCatch(failure: unknown): void {
    this.setState({ failure: failure ?? 'unknown', of: this.props.of })
  }

  override render({ plain, of, children }: BoundaryProps) {
    if (this.state.failure === null || this.state.of !== of) return children
    return (
      <>
        <pre>{plain}</pre>
        <p class="output-note soft">This output’s data is not as it should be, so its text is shown.</p>
      </>
    )
  }
}
