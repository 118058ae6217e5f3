{{/* What Helm wants to see on every object, beside the labels of the base. */}}
{{- define "berth.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name of the image: by digest where one is given. */}}
{{- define "berth.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Arguments of a daemon: its options, the class of both, and its port where that is not the usual one. */}}
{{- define "berth.options" -}}
{{- $options := deepCopy .component.options -}}
{{- if .root.Values.loadBalancerClass -}}
{{- $_ := set $options "load-balancer-class" .root.Values.loadBalancerClass -}}
{{- end -}}
{{- if ne (int .component.metricsPort) (int .initialPort) -}}
{{- $_ := set $options "metrics-address" (printf ":%d" (int .component.metricsPort)) -}}
{{- end -}}
{{- range $name := keys $options | sortAlpha -}}
{{- $value := get $options $name -}}
{{- if not (kindIs "invalid" $value) }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether metrics ask for a token: everything below says nothing where they do not. */}}
{{- define "berth.probePort" -}}
{{- if eq .Values.metricsAuth "token" }}health{{ else }}metrics{{ end -}}
{{- end }}

{{- define "berth.scrapeAnnotations" -}}
{{- if eq .Values.metricsAuth "token" -}}
prometheus.io/scheme: https
{{- end -}}
{{- end }}

{{- define "berth.scrapeAuth" -}}
{{- if eq .Values.metricsAuth "token" -}}
scheme: https
tlsConfig:
  {{- toYaml .Values.monitoring.tlsConfig | nindent 2 }}
authorization:
  credentials:
    name: metrics-reader-token
    key: token
{{- end -}}
{{- end }}

{{- define "berth.healthRule" -}}
{{- if eq .Values.metricsAuth "token" -}}
- port: health
{{- end -}}
{{- end }}

{{- define "berth.healthPort" -}}
{{- if eq .root.Values.metricsAuth "token" -}}
- name: health
  containerPort: {{ .component.healthPort }}
{{- end -}}
{{- end }}

{{/* The address of health only where it is not the daemon's own. */}}
{{- define "berth.metricsAuth" -}}
{{- if eq .root.Values.metricsAuth "token" -}}
- name: METRICS_AUTH
  value: token
- name: METRICS_CERT_FOLDER
  value: /etc/berth/metrics-tls
{{- if ne (int .component.healthPort) (int .initialPort) }}
- name: HEALTH_ADDRESS
  value: {{ printf ":%d" (int .component.healthPort) | quote }}
{{- end }}
{{- end -}}
{{- end }}

{{- define "berth.certificateMount" -}}
{{- if eq .Values.metricsAuth "token" -}}
- name: metrics-tls
  mountPath: /etc/berth/metrics-tls
  readOnly: true
{{- end -}}
{{- end }}

{{- define "berth.certificateMounts" -}}
{{- with include "berth.certificateMount" . -}}
volumeMounts:
  {{- . | nindent 2 }}
{{- end -}}
{{- end }}

{{- define "berth.certificateVolume" -}}
{{- if eq .Values.metricsAuth "token" -}}
- name: metrics-tls
  secret:
    secretName: {{ .Values.metricsCertificate }}
    optional: true
{{- end -}}
{{- end }}

{{- define "berth.certificateVolumes" -}}
{{- with include "berth.certificateVolume" . -}}
volumes:
  {{- . | nindent 2 }}
{{- end -}}
{{- end }}
