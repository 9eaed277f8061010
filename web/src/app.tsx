import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { createBrowserRouter, Navigate, RouterProvider } from 'react-router';
import { makeQueryClient } from './api/query-client';
import { BrokenPage } from './layout/broken-page';
import { PageLoading } from './layout/page-loading';
import { PublicLayout } from './layout/public-layout';
import { SignInProvider } from './session/sign-in';
import { readableColours, theme } from './theme';

/**
 * Every address of the web. Pages are loaded when they are opened, so that a reader of the prices never fetches
 * the console; admin console, portal and hosted pages join here as further branches with layouts of their own.
 */
const router = createBrowserRouter([
  { path: '/', element: <Navigate to="/pricing" replace /> },
  {
    element: <PublicLayout />,
    errorElement: <BrokenPage />,
    HydrateFallback: PageLoading,
    children: [
      { path: 'pricing', lazy: () => import('./pricing/pricing-page') },
      { path: 'checkout/return', lazy: () => import('./checkout/return-page') },
      { path: 'checkout/canceled', lazy: () => import('./checkout/canceled-page') },
      { path: '*', lazy: () => import('./layout/not-found-page') },
    ],
  },
]);

const queryClient = makeQueryClient();

/** The whole web: theme, cache, session and routes. */
export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={readableColours} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <SignInProvider>
          <RouterProvider router={router} />
        </SignInProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
