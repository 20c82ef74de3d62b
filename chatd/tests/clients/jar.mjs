// Makes node's requests carry what a browser's page would send by itself: the host's cookies, and the page's origin.
//
// sockjs-client has no option for the headers of its requests in node, and must stay as it is; so this stands where
// the browser's network stack would, around `http.request`.
import http from "node:http";

const cookies = new Map();
const request = http.request;

// What a page of this origin, such as http://localhost:8080, sends along. Sockets, whose client does take headers, ask
// for it.
export function headersOf(origin) {
  const cookie = cookies.get(origin);
  return cookie ? { Cookie: cookie, Origin: origin } : {};
}

http.request = (options, ...rest) => {
  const origin = `http://${options.hostname}:${options.port}`;
  return request({ ...options, headers: { ...options.headers, ...headersOf(origin) } }, ...rest);
};

export function signIn(origin, cookie) {
  cookies.set(origin, cookie);
}

export function signOut(origin) {
  cookies.delete(origin);
}
