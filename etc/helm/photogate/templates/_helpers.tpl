{{- define "photogate.labels" -}}
app.kubernetes.io/name: photogate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "photogate.selector" -}}
app.kubernetes.io/name: photogate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "photogate.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What a process may do; the namespace's standard `restricted` asks for all of it. */}}
{{- define "photogate.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "photogate.environment" -}}
- {name: PHOTOGATE_DATABASE_URL_FILE, value: /etc/photogate/secrets/database_url}
- {name: PHOTOGATE_S3_SIGNER_SECRET_KEY_FILE, value: /etc/photogate/secrets/signer_secret_key}
- {name: PHOTOGATE_S3_WORKER_SECRET_KEY_FILE, value: /etc/photogate/secrets/worker_secret_key}
- {name: PHOTOGATE_EVENTS_TOKENS_FILE, value: /etc/photogate/secrets/event_tokens}
- {name: PHOTOGATE_APP_CALLBACK_SECRETS_FILE, value: /etc/photogate/secrets/callback_secrets}
{{- end }}

{{- define "photogate.mounts" -}}
- {name: config, mountPath: /etc/photogate/photogate.toml, subPath: photogate.toml, readOnly: true}
- {name: secrets, mountPath: /etc/photogate/secrets, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{/* The pod of a role, `serve` or `work`: they differ in the command, the port 8080 and the resources. */}}
{{- define "photogate.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "photogate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    # A changed configuration starts new pods.
    checksum/config: {{ $values.config | sha256sum }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "9180"
spec:
  automountServiceAccountToken: false
  {{- with $values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  # Longer than server.drain_delay and server.drain_timeout together.
  terminationGracePeriodSeconds: 45
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    # Permits what the imager's own sandbox is made of: seccomp and landlock_*.
    seccompProfile: {type: RuntimeDefault}
  {{- if $values.topologySpread }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "photogate.selector" . | nindent 10 }}
  {{- end }}
  {{- if $values.migrate }}
  initContainers:
    - name: migrate
      image: {{ include "photogate.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [migrate]
      env:
        {{- include "photogate.environment" . | nindent 8 }}
      securityContext:
        {{- include "photogate.securityContext" . | nindent 8 }}
      resources:
        requests: {cpu: 100m, memory: 64Mi}
        limits: {memory: 256Mi}
      volumeMounts:
        {{- include "photogate.mounts" . | nindent 8 }}
  {{- end }}
  containers:
    - name: photogate
      image: {{ include "photogate.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ .role }}]
      env:
        {{- include "photogate.environment" . | nindent 8 }}
      ports:
        {{- if eq .role "serve" }}
        - {name: http, containerPort: 8080}
        {{- end }}
        - {name: metrics, containerPort: 9180}
      # Until the stores are proved safe and the imager has tried to leave its jail.
      startupProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 2
        failureThreshold: 60
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 3
        timeoutSeconds: 3
        failureThreshold: 1
      # The process alone: no restart heals a database that is away.
      livenessProbe:
        httpGet: {path: /livez, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 6
      resources: {{ toYaml .resources | nindent 8 }}
      securityContext:
        {{- include "photogate.securityContext" . | nindent 8 }}
      volumeMounts:
        {{- include "photogate.mounts" . | nindent 8 }}
  volumes:
    - name: config
      configMap: {name: {{ .root.Release.Name }}-config}
    - name: secrets
      secret:
        secretName: {{ $values.existingSecret }}
        defaultMode: 0440
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}
