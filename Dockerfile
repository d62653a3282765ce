# Pinned by tag alone. Where builds must be repeatable to the byte, add the digest that your registry shows for the tag: NAME@sha256:...
# What else that takes is in .github/docs/deploy.md.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# A virtual environment without pip: nothing in the image that runs can install anything into it.
RUN python -m venv --without-pip /opt/bot
COPY requirements.txt /tmp/
RUN python -m pip --python /opt/bot/bin/python install \
    --require-hashes --no-deps --only-binary :all: --no-compile -r /tmp/requirements.txt
COPY bot /app/bot
COPY manifest.yml /app/
# Bytecode that is never checked against its source: neither changes in an image.
RUN /opt/bot/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/bot /app


FROM python:3.13-slim-bookworm
# Without useradd, which notes the day in /etc/shadow: two builds of one commit have the same files.
RUN echo 'bot:*:10001:10001::/nonexistent:/usr/sbin/nologin' >> /etc/passwd && echo 'bot:*:10001:' >> /etc/group \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/bot /opt/bot
COPY --from=build /app /app
# A signout.toml mounted here is found without SIGNOUT_CONFIG.
WORKDIR /app
ENV PATH=/opt/bot/bin:$PATH
# Python's own library comes without bytecode, and the bot may not write there: leave what it and the health check import.
RUN python -c "import bot.__main__, bot.wiring.run, http.client"
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SIGNOUT_STORE=sqlite:////data/signout.db
# By number, so that "run as non-root" policies can check it.
USER 10001:10001
VOLUME /data
EXPOSE 3000
# Not through urllib, which would ask a proxy from the environment for a loopback address.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["python", "-IS", "-c", "\
import http.client, os, sys; \
c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3000), timeout=4); \
c.request('GET', '/healthz'); \
sys.exit(c.getresponse().status != 200)"]
# Which version, where the code is, and which commit: only who builds it knows. At the end, so that another commit keeps the layers.
ARG VERSION
ARG SOURCE
ARG REVISION
LABEL org.opencontainers.image.title="signout-bot" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.description="A Slack bot that signs an Amazon Cognito user out of all devices" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION"
# The bot then finishes what it began, for SIGNOUT_DRAIN seconds: keep the engine's own patience above that.
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run", "--host", "0.0.0.0"]
