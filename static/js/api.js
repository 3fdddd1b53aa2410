// What a call to our own API carries.

/** The token that proves the call comes from our page; every page has one in its header. */
export function csrfToken() {
  return document.querySelector("input[name=csrfmiddlewaretoken]").value;
}
