//! Servers on loopback that play delivery services, record what arrived and inject faults.
