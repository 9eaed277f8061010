import '@mantine/core/styles.css';
import './app.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { adoptKeyFromFragment } from './session/session';

// Before the router reads the address: the key must not stay in the history.
adoptKeyFromFragment();
window.addEventListener('hashchange', adoptKeyFromFragment);

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
