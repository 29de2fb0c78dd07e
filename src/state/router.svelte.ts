/** The route as reactive state. Knows a window only through the small port it is given, so tests need no DOM. */
import { formatRoute, parseRoute, type Route } from './route.ts';

export interface AddressBar {
  readonly location: { hash: string };
  addEventListener(type: 'hashchange', listener: () => void): void;
}

export class Router {
  readonly #bar: AddressBar;
  current: Route = $state.raw({ room: 'home' });

  constructor(bar: AddressBar) {
    this.#bar = bar;
    this.current = parseRoute(bar.location.hash);
    bar.addEventListener('hashchange', () => (this.current = parseRoute(bar.location.hash)));
  }

  go(route: Route): void {
    this.#bar.location.hash = formatRoute(route);
  }
}
