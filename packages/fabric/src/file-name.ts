/** What files of a run may be called: pieces of letters, digits and `._=-` parted by `/`, none starting with a dot. */
export const FILE_NAME = /^(?!\.)[\w.=-]{1,100}(\/(?!\.)[\w.=-]{1,100}){0,5}$/
