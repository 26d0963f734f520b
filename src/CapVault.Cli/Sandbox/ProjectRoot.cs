namespace CapVault.Cli.Sandbox;

/// <summary>The checkout that contracts, Foundry's tools and the relayer come from.</summary>
internal static class ProjectRoot
{
    private const string Mark = "CapVault.sln";

    /// <summary>From the current folder upwards, then from the program's own folder; null outside of a checkout.</summary>
    public static string? Find() => FindFrom(Directory.GetCurrentDirectory()) ?? FindFrom(AppContext.BaseDirectory);

    /// <summary>From a folder upwards.</summary>
    public static string? FindFrom(string folder)
    {
        for (var candidate = new DirectoryInfo(folder); candidate is not null; candidate = candidate.Parent)
        {
            if (File.Exists(Path.Combine(candidate.FullName, Mark)))
            {
                return candidate.FullName;
            }
        }

        return null;
    }

    /// <exception cref="CliException">There is none.</exception>
    public static string Require() => Find() ?? throw new CliException(
        $"Found no {Mark} in {Directory.GetCurrentDirectory()} or above, expected a checkout of CapVault: the sandbox deploys its contracts.",
        "Next: change into the checkout and run the command again.");
}
