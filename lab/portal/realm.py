# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the portal's Keycloak: administrator, realm, clients, federation to the directory; by its admin REST API."""

from __future__ import annotations

from typing import Any

from ansible_collections.aiportal.scaling.plugins.module_utils._http import Http
from ansible_collections.aiportal.scaling.plugins.module_utils._keycloak_admin import KeycloakAdmin

from lab.portal import DOMAIN, REALM, ZONE, people

REDIRECTS = {
    "open-webui": f"https://chat.{ZONE}/oauth/oidc/callback",
    "langfuse": f"https://langfuse.{ZONE}/api/auth/callback/keycloak",
}
# Settings that differ from Keycloak's defaults, so that a comparison after a migration means something.
SETTINGS: dict[str, Any] = {
    "displayName": "AI portal",
    "sslRequired": "external",
    "rememberMe": True,
    "bruteForceProtected": True,
    "failureFactor": 20,
    "accessTokenLifespan": 240,
    "ssoSessionIdleTimeout": 28800,
    "ssoSessionMaxLifespan": 86400,
    "eventsEnabled": True,
    "eventsExpiration": 604800,
    "internationalizationEnabled": True,
    "supportedLocales": ["en", "de"],
    "defaultLocale": "en",
}
# All but the account that it binds with.
FEDERATION = {
    "enabled": "true",
    "priority": "0",
    "vendor": "ad",
    "editMode": "READ_ONLY",
    "importEnabled": "true",
    "syncRegistrations": "false",
    "connectionUrl": f"ldaps://dc1.{DOMAIN}:636 ldaps://dc2.{DOMAIN}:636",
    "startTls": "false",
    "useTruststoreSpi": "always",
    "connectionTimeout": "2000",
    "readTimeout": "5000",
    "connectionPooling": "true",
    "authType": "simple",
    "usersDn": people.PEOPLE,
    "searchScope": "2",
    "usernameLDAPAttribute": "sAMAccountName",
    "rdnLDAPAttribute": "cn",
    "uuidLDAPAttribute": "objectGUID",
    "userObjectClasses": "person, organizationalPerson, user",
    "pagination": "true",
    "batchSizeForSync": "1000",
    "fullSyncPeriod": "-1",
    "changedSyncPeriod": "-1",
    "trustEmail": "true",
    "cachePolicy": "DEFAULT",
}
LDAP_MAPPER = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper"


def make_administrator(http: Http, bootstrap: tuple[str, str], administrator: tuple[str, str]) -> KeycloakAdmin:
    """A lasting administrator instead of the temporary one that Keycloak was started with."""
    temporary = KeycloakAdmin(http, *bootstrap)
    name, password = administrator
    user = {
        "username": name,
        "enabled": True,
        "email": f"{name}@{ZONE}",
        "emailVerified": True,
        # Without names the account is "not fully set up" and cannot log in.
        "firstName": "Portal",
        "lastName": "Administrator",
        "credentials": [{"type": "password", "value": password, "temporary": False}],
    }
    made = temporary.create("/master/users", user)
    temporary.post(f"/master/users/{made}/role-mappings/realm", [temporary.get("/master/roles/admin")])
    admin = KeycloakAdmin(http, name, password)
    for left in admin.get(f"/master/users?username={bootstrap[0]}&exact=true"):
        admin.delete(f"/master/users/{left['id']}")
    return admin


def make_realm(admin: KeycloakAdmin, langfuse_secret: str) -> None:
    admin.post("", {"realm": REALM, "enabled": True, **SETTINGS, "clients": clients(langfuse_secret)})


def clients(langfuse_secret: str) -> list[dict[str, Any]]:
    """Open WebUI without a secret and with PKCE, also for direct grants; Langfuse with a secret."""
    common = {"enabled": True, "protocol": "openid-connect", "standardFlowEnabled": True}
    return [
        {
            **common,
            "clientId": "open-webui",
            "publicClient": True,
            "directAccessGrantsEnabled": True,
            "redirectUris": [REDIRECTS["open-webui"]],
            "attributes": {"pkce.code.challenge.method": "S256"},
        },
        {
            **common,
            "clientId": "langfuse",
            "publicClient": False,
            "secret": langfuse_secret,
            "directAccessGrantsEnabled": False,
            "redirectUris": [REDIRECTS["langfuse"]],
        },
    ]


def federate(admin: KeycloakAdmin, service_password: str) -> int:
    """Users from the directory, with their first names and groups; how many were read."""
    provider = admin.create(f"/{REALM}/components", federation(service_password))
    for mapper in admin.get(f"/{REALM}/components?parent={provider}&type={LDAP_MAPPER}"):
        # It takes the first name from the common name, which here is the login name.
        if mapper["providerId"] == "full-name-ldap-mapper":
            admin.delete(f"/{REALM}/components/{mapper['id']}")
    admin.create(f"/{REALM}/components", first_name_mapper(provider))
    groups = admin.create(f"/{REALM}/components", group_mapper(provider))
    admin.post(f"/{REALM}/user-storage/{provider}/mappers/{groups}/sync?direction=fedToKeycloak")
    return int(admin.post(f"/{REALM}/user-storage/{provider}/sync?action=triggerFullSync").json()["added"])


def federation(service_password: str) -> dict[str, Any]:
    settings = {**FEDERATION, "bindDn": people.SERVICE_DN, "bindCredential": service_password}
    return _component("corp-ad", "ldap", "org.keycloak.storage.UserStorageProvider", settings)


def first_name_mapper(provider: str) -> dict[str, Any]:
    settings = {
        "ldap.attribute": "givenName",
        "user.model.attribute": "firstName",
        "read.only": "true",
        "always.read.value.from.ldap": "true",
        "is.mandatory.in.ldap": "true",
    }
    return {**_component("first name", "user-attribute-ldap-mapper", LDAP_MAPPER, settings), "parentId": provider}


def group_mapper(provider: str) -> dict[str, Any]:
    settings = {
        "groups.dn": people.GROUPS,
        "group.name.ldap.attribute": "cn",
        "group.object.classes": "group",
        "preserve.group.inheritance": "false",
        "ignore.missing.groups": "false",
        "membership.ldap.attribute": "member",
        "membership.attribute.type": "DN",
        "membership.user.ldap.attribute": "sAMAccountName",
        "mode": "READ_ONLY",
        "memberof.ldap.attribute": "memberOf",
        "user.roles.retrieve.strategy": "LOAD_GROUPS_BY_MEMBER_ATTRIBUTE",
        "drop.non.existing.groups.during.sync": "false",
        "groups.path": "/",
    }
    return {**_component("groups", "group-ldap-mapper", LDAP_MAPPER, settings), "parentId": provider}


def _component(name: str, provider: str, kind: str, settings: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "providerId": provider, "providerType": kind, "config": {key: [value] for key, value in settings.items()}}
