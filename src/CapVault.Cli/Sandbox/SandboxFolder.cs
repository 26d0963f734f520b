using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Cli.Sandbox;

/// <summary>The sandbox's files: <c>.capvault</c>.</summary>
internal sealed class SandboxFolder(DirectoryInfo? chosen)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly JsonSerializerOptions Indented = new(CapJson.Options) { WriteIndented = true };

    /// <summary>The folder itself; it need not exist yet.</summary>
    public string Path { get; } = chosen?.FullName ?? Under(ProjectRoot.Find() ?? Directory.GetCurrentDirectory(), ".capvault");

    /// <summary>The relayer's database and keys.</summary>
    public string Data => File("data");

    public string SandboxJson => File("sandbox.json");

    public string ProcessesJson => File("processes.json");

    public string OwnersJson => File("owners.json");

    public string DeploymentJson => File("deployment.json");

    public string AnvilLog => File("anvil.log");

    public string DeployLog => File("deploy.log");

    public string RelayerLog => File("relayer.log");

    /// <exception cref="CliException">No sandbox is running.</exception>
    public SandboxFile ReadSandbox() => Read<SandboxFile>(SandboxJson) ?? throw new CliException(
        $"No sandbox is running: there is no {SandboxJson}.",
        "Next: capvault sandbox up; or name a relayer with --api and a key with --key.");

    /// <exception cref="CliException">There is none.</exception>
    public string ReadOperatorKey()
    {
        var path = Under(Data, "operator.key");
        return System.IO.File.Exists(path)
            ? System.IO.File.ReadAllText(path).Trim()
            : throw new CliException(
                $"Found no operator key in {path}.", "Next: capvault sandbox up; or give the relayer's operator key with --key.");
    }

    /// <summary>Null where the file is missing.</summary>
    /// <exception cref="CliException">The file is not what we wrote.</exception>
    public static T? Read<T>(string path)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(System.IO.File.ReadAllBytes(path), CapJson.Options);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new CliException($"{path} is not readable: {e.Message}", "Next: delete it and run capvault sandbox up.");
        }
    }

    /// <summary>Readable by its owner alone (it holds keys), and whole or not there.</summary>
    public static void Write<T>(string path, T value)
    {
        var temporary = path + ".new";
        System.IO.File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var file = new FileStream(temporary, options))
        {
            JsonSerializer.Serialize(file, value, Indented);
        }

        System.IO.File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Held while the sandbox is started or stopped, so that two commands do not do it at once.</summary>
    public FileStream Lock()
    {
        Directory.CreateDirectory(Path);
        try
        {
            return new FileStream(File("lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new CliException($"Another command is starting or stopping the sandbox in {Path}.", "Next: wait for it, then try again.");
        }
    }

    private string File(string name) => Under(Path, name);

    private static string Under(string folder, string name) => System.IO.Path.Combine(folder, name);
}
