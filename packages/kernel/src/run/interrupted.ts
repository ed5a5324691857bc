/** What awaiting code gets when the person presses Stop. */

export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor() {
    super('The cell was stopped while it waited')
  }
}
