# syntax=docker/dockerfile:1
# The production image: the compiled service, its migrations and the built web, nothing of the sandbox.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY web/package.json web/
# `npm ci` refuses a lock file without the packages of other platforms; the second way keeps to it as well.
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund \
  || npm install --no-save --include=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json nest-cli.json ormconfig.ts ./
COPY src src
COPY migrations migrations
COPY web web
RUN npx nest build && npm run build --workspace web

# The web's packages are inside its bundle: only the service's own are installed.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --no-save --omit=dev --workspaces=false --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    NODE_OPTIONS=--enable-source-maps
COPY --from=packages /app/node_modules node_modules
COPY package.json openapi.json ./
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/migrations dist/migrations
COPY --from=build /app/web/dist web/dist
USER node
EXPOSE 3000
# Liveness only: readiness (/readyz) is the load balancer's business, and restarting mends no database.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and handles SIGTERM itself: it finishes what it accepted, within 15 s.
STOPSIGNAL SIGTERM
# The flag is explained in sandbox/node-flags.ts.
CMD ["node", "--max-semi-space-size=32", "dist/src/main.js"]
