namespace CapVault.Tests.ContractBindings;

public sealed class BindingsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bindings").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_committed_bindings_are_those_of_the_contracts()
    {
        Repository.Run(Repository.File("scripts", "bindings.sh"), folder);
        var committed = Files(Repository.File("src", "CapVault.Contracts", "Generated"));
        var regenerated = Files(folder);
        regenerated.Keys.Should().BeEquivalentTo(committed.Keys, "scripts/bindings.sh makes these files");
        regenerated.Where(file => committed[file.Key] != file.Value).Select(file => file.Key).Should().BeEmpty("a changed contract needs scripts/bindings.sh");
    }

    private static Dictionary<string, string> Files(string root) => Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetRelativePath(root, file), File.ReadAllText, StringComparer.Ordinal);
}
