# syntax=docker/dockerfile:1
# One image for every process: worker (default), api, emulator. Choose by command.
FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
COPY emulator ./emulator
RUN node scripts/build.mjs && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# The Temporal client speaks TLS by the system's certificates, which the slim image does not have.
COPY --from=build /etc/ssl/certs /etc/ssl/certs
RUN mkdir -p /app/data/assets && chown -R 1000:1000 /app/data
COPY --from=build --chown=root:root /app/package.json ./
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist ./dist
# The user `node` of the base image.
USER 1000
VOLUME ["/app/data"]
CMD ["node", "dist/src/worker/main.js"]
